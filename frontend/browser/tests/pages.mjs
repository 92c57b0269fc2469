// The demo page, and the screenshots of the documentation.
import path from 'node:path';
import { MODES, tools } from './tools.mjs';

export function pageTests(test, context) {
  const { call, shot, operations, panelOf } = tools(context);
  const { url, shots } = context;
  test('demo page', async (page) => {
    await page.goto(`${url}/?demo`);
    await panelOf(page).getByRole('option').first().click();
    await panelOf(page).getByRole('tab').first().waitFor();
    await shot(page, 'demo');
    const href = await panelOf(page).getByRole('link', { name: 'Trace' }).first().getAttribute('href');
    await page.goto(new URL(href, url).href);
    await panelOf(page).getByRole('article').waitFor();
  });

  test(
    'pictures for the documentation',
    async (page) => {
      const rows = await operations(page);
      const stuck = rows.find(({ verdict, operation_id: id }) => verdict === 'stuck' && id);
      const picture = async (name, width, height) => {
        await page.evaluate(() => document.fonts.ready);
        await page.mouse.move(0, 0);
        await page.waitForTimeout(300);
        await page.screenshot({
          path: path.join(shots, `doc-${name}.png`),
          clip: { x: 8, y: 8, width: width + 16, height: height + 16 },
        });
      };
      for (const mode of MODES) {
        await call(page, 'panel', mode, [{ queryType: 'operations', limit: 200 }], { width: 1160, height: 620 });
        await panelOf(page).getByRole('option').first().waitFor();
        await picture(`operations-${mode}`, 1160, 620);
        const query = { queryType: 'diagnosis', operationId: stuck.operation_id, follow: false };
        await call(page, 'panel', mode, [query], { width: 1160, height: 960 });
        await panelOf(page).getByRole('tab').first().waitFor();
        await picture(`diagnosis-${mode}`, 1160, 960);
      }
    },
    { viewport: { width: 1200, height: 1000 } }
  );
}
