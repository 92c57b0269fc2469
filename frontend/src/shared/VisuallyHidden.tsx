import React from 'react';
import { css } from '@emotion/css';

const hidden = css({
  position: 'absolute',
  width: 1,
  height: 1,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
});

/** Text for screen readers only. */
export function VisuallyHidden({ children }: React.PropsWithChildren) {
  return <span className={hidden}>{children}</span>;
}
