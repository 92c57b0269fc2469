// Helpers of the browser tests.
import assert from 'node:assert/strict';
import path from 'node:path';

export const MODES = ['dark', 'light'];

/** Calls of the page, reads of its content, and the known operations of the example traces. */
export function tools({ shots, axe, version }) {
  const call = (page, method, ...args) => page.evaluate(([m, a]) => window.harness[m](...a), [method, args]);
  const last = (page, key) => page.evaluate((k) => window.harness.last[k], key);
  /** Waits until what the page keeps under `key` satisfies `holds`: React may render after the click returned. */
  const settled = async (page, key, holds) => {
    const end = Date.now() + 10_000;
    for (;;) {
      const value = await last(page, key);
      if (holds(value) || Date.now() > end) {
        return value;
      }
      await page.waitForTimeout(50);
    }
  };
  /** Waits for fonts and layout, then takes a screenshot. */
  const shot = async (page, name, options = {}) => {
    await page.evaluate(() => document.fonts.ready);
    await page.waitForTimeout(250);
    await page.screenshot({ path: path.join(shots, `${name}.png`), ...options });
  };
  /** No serious accessibility problem for users of a keyboard or a screen reader. */
  const violations = async (page) => {
    await page.evaluate(axe);
    const found = await page.evaluate(() =>
      window.axe.run('#root', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })
    );
    // The suffix of a combobox in Grafana 11 is a div with a button's attributes. It is not our component.
    const theirs = ({ id, nodes }) =>
      id === 'aria-allowed-attr' && nodes.every(({ html }) => html.includes('input-suffix'));
    return found.violations
      .filter((violation) => !version.startsWith('11.') || !theirs(violation))
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 3)
            .map((node) => node.html.slice(0, 160))
            .join(' | ')}`
      );
  };
  const accessible = async (page) => assert.deepEqual(await violations(page), []);
  let known;
  const operations = async (page) => (known ??= await askOperations(page));
  const askOperations = async (page) => {
    const { frames, error } = await call(page, 'query', [{ queryType: 'operations', limit: 200 }]);
    assert.equal(error, undefined);
    const { values } = frames[0];
    return values.verdict.map((verdict, row) =>
      Object.fromEntries(Object.entries(values).map(([name, column]) => [name, column[row]]))
    );
  };
  const panelOf = (page) => page.getByTestId('ktrdr-diagnosis');
  return { call, last, settled, shot, violations, accessible, operations, panelOf };
}
