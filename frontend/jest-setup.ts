import '@testing-library/jest-dom';
import { configure } from '@testing-library/react';
import { TextDecoder, TextEncoder } from 'util';

Object.assign(global, { TextDecoder, TextEncoder });

// Browser features that Grafana's components need and jsdom lacks.
Object.defineProperty(global, 'matchMedia', {
  writable: true,
  value: (media: string) => ({
    matches: false,
    media,
    onchange: null,
    addListener: () => {},
    removeListener: () => {},
    addEventListener: () => {},
    removeEventListener: () => {},
    dispatchEvent: () => false,
  }),
});

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
  takeRecords() {
    return [];
  }
}
Object.assign(global, { ResizeObserver: Observer, IntersectionObserver: Observer });

// The Combobox measures its text on a canvas and virtualises its list by the height of the menu.
HTMLCanvasElement.prototype.getContext = (() => ({
  measureText: (text: string) => ({ width: text.length * 8 }),
})) as never;
Element.prototype.getBoundingClientRect = () =>
  ({ x: 0, y: 0, top: 0, left: 0, bottom: 120, right: 120, width: 120, height: 120, toJSON: () => ({}) }) as DOMRect;
for (const side of ['offsetWidth', 'offsetHeight']) {
  Object.defineProperty(HTMLElement.prototype, side, { configurable: true, value: 120 });
}
Element.prototype.scrollIntoView = () => {};
Element.prototype.scrollTo = function (to?: ScrollToOptions | number) {
  this.scrollTop = typeof to === 'object' ? (to.top ?? 0) : 0;
};
Blob.prototype.text = function () {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsText(this);
  });
};

// Queries by role do not compute which of thousands of elements are hidden, because that takes seconds in jsdom.
configure({ defaultHidden: true, asyncUtilTimeout: 10_000 });

// A test fails if an error was logged. React logs its warnings and failed promises as errors.
let said: string[] = [];
const say = console.error;
beforeEach(() => {
  said = [];
  console.error = (...parts: unknown[]) => {
    said.push(parts.map(String).join(' '));
    say(...parts);
  };
});
afterEach(() => {
  console.error = say;
  expect(said).toEqual([]);
});
