// The provisioned dashboards: each Diagnosis panel with its own queries and options, and our frames in the other panels.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { front } from '../set.mjs';
import { tools } from './tools.mjs';

const PANEL = 'ktrdr-diagnosis-panel';
const SOURCE = 'ktrdr-diagnosis-datasource';
const folder = path.join(path.dirname(front), 'provisioning', 'dashboards');

/** Dashboards by file name. */
export const dashboards = fs
  .readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name: name.replace('.json', ''), ...JSON.parse(fs.readFileSync(path.join(folder, name))) }));

/** Sets the variables to their values after opening a dashboard; returns the selected operation. */
export async function openDashboards(page, context) {
  const rows = await tools(context).operations(page);
  const everything = ['$__all'];
  const { operation_id: operation } = rows.find(({ verdict, operation_id: id }) => verdict === 'failed' && id);
  const values = { diagnosis: 'ktrdr', prometheus: 'prometheus', type: everything, verdict: everything, operation };
  await page.evaluate((all) => Object.assign(window.harness.variables, all), values);
  return operation;
}

export function dashboardTests(test, context) {
  const { call, shot, accessible, panelOf } = tools(context);
  const open = (page) => openDashboards(page, context);

  for (const dashboard of dashboards) {
    const panels = dashboard.panels.filter(({ type }) => type === PANEL);
    test(
      `dashboard ${dashboard.name}: its Diagnosis panels`,
      async (page) => {
        assert.ok(panels.length > 0);
        const operation = await open(page);
        for (const panel of panels) {
          const defaults = await call(page, 'dashboardPanel', 'dark', panel);
          const unknown = Object.keys(panel.options).filter((key) => !(key in defaults));
          assert.deepEqual(unknown, [], `${panel.title}: options that the panel does not know`);
          const { w, h } = panel.gridPos;
          const clip = { x: 0, y: 0, width: w * 58 + 32, height: h * 38 + 24 };
          const one = panel.targets[0].queryType === 'diagnosis';
          if (panel.targets[0].queryType === 'culprits') {
            // The example traces are of one day, so its baseline is empty; changed.mjs shows the other states.
            await panelOf(page).getByText('Nothing to compare').waitFor();
            await shot(page, `dashboard-${dashboard.name}-${panel.id}`, { clip });
            await accessible(page);
            continue;
          }
          await panelOf(page).getByRole('tab').or(panelOf(page).getByRole('option')).first().waitFor();
          await shot(page, `dashboard-${dashboard.name}-${panel.id}`, { clip });
          await accessible(page);
          if (one) {
            assert.match(await panelOf(page).getByRole('article').innerText(), new RegExp(operation));
            continue;
          }
          // an operation id links to the dashboard that explains the operation
          await panelOf(page).getByRole('listbox').focus();
          await page.keyboard.press('ArrowDown');
          await page.keyboard.press('Enter');
          await panelOf(page).getByRole('article').waitFor();
          const id = panelOf(page).getByTitle('Open on the Diagnosis dashboard');
          if ((await id.count()) > 0) {
            const address = new URL(await id.getAttribute('href'), 'http://local');
            assert.equal(address.pathname, '/d/ktrdr-diagnosis');
            assert.equal(address.searchParams.get('var-operation'), await id.innerText());
          }
          await panelOf(page).getByRole('tab').first().waitFor();
          await shot(page, `dashboard-${dashboard.name}-${panel.id}-opened`, { clip });
        }
      },
      { viewport: { width: 1440, height: 900 } }
    );
  }

  test('dashboards: what tables and charts get from the diagnosis', async (page) => {
    await open(page);
    for (const dashboard of dashboards) {
      const ours = dashboard.panels.filter(({ type, datasource }) => type !== PANEL && datasource?.type === SOURCE);
      for (const panel of ours) {
        const place = `${dashboard.name} / ${panel.title}`;
        const frames = await call(page, 'dashboardFrames', panel);
        const names = frames.flatMap(({ fields }) => fields.map(({ name }) => name));
        assert.ok(frames[0]?.rows > 0, `${place}: no rows`);
        for (const { matcher } of panel.fieldConfig.overrides) {
          const matches = (name) =>
            matcher.id === 'byName' ? name === matcher.options : new RegExp(matcher.options).test(name);
          assert.ok(names.some(matches), `${place}: the override of ${matcher.options} fits none of ${names}`);
        }
      }
    }
    const named = (title) => dashboards.flatMap(({ panels }) => panels).find((panel) => panel.title === title);
    const verdicts = (await call(page, 'dashboardFrames', named('Verdicts')))[0].fields.slice(1);
    const color = (name) => verdicts.find((field) => field.name === name)?.color?.fixedColor;
    assert.deepEqual([color('Healthy'), color('Failed'), color('No workers')], ['green', 'red', 'purple']);
    const [table] = await call(page, 'dashboardFrames', named('Operations'));
    const columns = table.fields.map(({ name }) => name);
    assert.deepEqual(columns.slice(0, 5), ['Verdict', 'What is wrong', 'Operation', 'Type', 'Started']);
    const links = table.fields.find(({ name }) => name === 'Operation').links;
    // before Grafana 12 the links of an override replace those of the data source
    const wanted = context.version.startsWith('11.') ? ['Explain below'] : ['Explain below', 'Open on the dashboard'];
    assert.ok(
      wanted.every((link) => links.includes(link)),
      `links of an operation: ${links}`
    );
  });
}
