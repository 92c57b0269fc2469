import * as React from 'react';
import { createTheme, ThemeContext } from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { createRoot, type Root } from 'react-dom/client';

export type Mode = 'dark' | 'light';

function Page({ mode, children }: React.PropsWithChildren<{ mode: Mode }>) {
  const theme = React.useMemo(() => createTheme({ colors: { mode } }), [mode]);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div
        style={{
          padding: 16,
          background: theme.colors.background.primary,
          color: theme.colors.text.primary,
          minHeight: '100vh',
          boxSizing: 'border-box',
        }}
      >
        {children}
      </div>
      {PortalContainer ? <PortalContainer /> : null}
    </ThemeContext.Provider>
  );
}

let root: Root | undefined;

/** Puts an element on the page, in Grafana's dark or light theme. */
export function show(mode: Mode, element: React.ReactNode) {
  (grafanaRuntime.config as { theme2: unknown }).theme2 = createTheme({ colors: { mode } });
  document.body.className = `theme-${mode}`;
  root ??= createRoot(document.getElementById('root')!);
  root.render(<Page mode={mode}>{element}</Page>);
}

export function clear() {
  root?.unmount();
  root = undefined;
}
