import { useEffect, useRef, useState } from 'react';

/** The height above an element in its container, in pixels; undefined until it is known. */
export function useHeightAbove() {
  const container = useRef<HTMLElement>(null);
  const element = useRef<HTMLDivElement>(null);
  const [above, setAbove] = useState<number>();
  useEffect(() => {
    const observer = new ResizeObserver(() => element.current && setAbove(element.current.offsetTop));
    if (container.current) {
      observer.observe(container.current);
    }
    return () => observer.disconnect();
  }, []);
  return { container, element, above };
}
