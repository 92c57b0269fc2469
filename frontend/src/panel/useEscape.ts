import { useEffect } from 'react';

/** Escape returns to the list, unless a component in the panel handles it. */
export function useEscape(action: (() => void) | undefined) {
  useEffect(() => {
    if (!action) {
      return undefined;
    }
    const listen = (event: KeyboardEvent) => event.key === 'Escape' && !event.defaultPrevented && action();
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [action]);
}
