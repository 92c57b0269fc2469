// All browser tests.
import { changedTests } from './tests/changed.mjs';
import { dashboardTests } from './tests/dashboards.mjs';
import { dataTests } from './tests/data.mjs';
import { editorTests } from './tests/editors.mjs';
import { looksTests } from './tests/looks.mjs';
import { pageTests } from './tests/pages.mjs';
import { panelTests } from './tests/panel.mjs';

export function tests(context) {
  const list = [];
  const test = (name, run, more = {}) => list.push({ name, run, ...more });
  for (const add of [dataTests, editorTests, panelTests, changedTests, dashboardTests, looksTests, pageTests]) {
    add(test, context);
  }
  return list;
}
