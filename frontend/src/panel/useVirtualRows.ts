import { useCallback, useState } from 'react';

/** Rows rendered above and below the visible ones, so that fast scrolling shows no gaps. */
const OVERSCAN = 8;

/** Renders only the visible ones of many equally high rows. */
export function useVirtualRows(
  box: React.RefObject<HTMLDivElement | null>,
  count: number,
  rowHeight: number,
  height: number
) {
  const [top, setTop] = useState(0);
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + OVERSCAN);

  const show = useCallback(
    (index: number) => {
      const element = box.current;
      if (!element) {
        return;
      }
      const start = index * rowHeight;
      if (start < element.scrollTop) {
        element.scrollTo({ top: start });
      } else if (start + rowHeight > element.scrollTop + height) {
        element.scrollTo({ top: start + rowHeight - height });
      }
      setTop(element.scrollTop);
    },
    [box, rowHeight, height]
  );

  const scrollTo = useCallback(
    (index: number) => {
      box.current?.scrollTo({ top: index * rowHeight });
      setTop(box.current?.scrollTop ?? 0);
    },
    [box, rowHeight]
  );

  return {
    /** The first visible row. */
    top: Math.max(0, Math.min(count - 1, Math.round(top / rowHeight))),
    first,
    last: Math.max(first, last),
    total: count * rowHeight,
    perPage: Math.max(1, Math.floor(height / rowHeight) - 1),
    onScroll: (event: React.UIEvent<HTMLElement>) => setTop(event.currentTarget.scrollTop),
    show,
    /** Scrolls a row to the upper edge. */
    scrollTo,
  };
}
