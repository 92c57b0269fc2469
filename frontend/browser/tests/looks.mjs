// The appearance in Explore and on whole dashboards, at 1300 pixels and on a phone: names, widths, colours, legends. Each
// test cites the finding in a real Grafana whose return it prevents.
import assert from 'node:assert/strict';
import { dashboards, openDashboards } from './dashboards.mjs';
import { MODES, tools } from './tools.mjs';

/** A laptop's window, and a phone's. */
const WIDE = { width: 1300, height: 900 };
const PHONE = { width: 420, height: 900 };

export function looksTests(test, context) {
  const { call, shot, accessible, operations, panelOf } = tools(context);
  const isOld = context.version.startsWith('11.');

  /** Opens a dashboard and waits for its panels. */
  const draw = async (page, mode, dashboard, width) => {
    await openDashboards(page, context);
    await call(page, 'dashboard', mode, dashboard, width);
    await panelOf(page).first().waitFor();
    await page.waitForFunction(() => !/Diagnosing/.test(document.body.innerText));
  };
  /** Headers of a table in order, with their widths and what does not fit. */
  const headers = (page) =>
    page
      .getByTestId('table')
      .getByRole('columnheader')
      .evaluateAll((elements) =>
        elements.map((element) => {
          const { right } = element.getBoundingClientRect();
          const texts = [element, ...element.querySelectorAll('*')].filter((part) =>
            [...part.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim())
          );
          const cut = texts.some(
            (part) => part.scrollWidth > part.clientWidth + 1 || part.getBoundingClientRect().right > right + 1
          );
          return { name: element.innerText.trim(), width: element.getBoundingClientRect().width, cut };
        })
      );
  /** The cells of a column. */
  const cells = (page, column) =>
    page
      .getByTestId('table')
      .getByRole('row')
      .evaluateAll(
        (rows, at) =>
          rows
            .map((row) => row.querySelectorAll('[role=gridcell], [role=cell]')[at])
            .filter(Boolean)
            .map((cell) => {
              const grounds = [cell, ...cell.querySelectorAll('*')].map((part) => {
                const { backgroundImage: image, backgroundColor: colour } = getComputedStyle(part);
                return image === 'none' ? colour : image;
              });
              return {
                text: cell.innerText.trim(),
                colour: grounds.find((ground) => !/^rgba\(.*, 0\)$|transparent/.test(ground)),
                links: cell.querySelectorAll('a, button').length,
                cut: [cell, ...cell.querySelectorAll('*')].some((part) => part.scrollWidth > part.clientWidth + 1),
                lines: Math.round(cell.getBoundingClientRect().height / 22),
              };
            }),
        column
      );

  for (const mode of MODES) {
    test(
      `acceptance G5: Explore's table of operations looks finished ${mode}`,
      async (page) => {
        await call(page, 'explore', mode, { queryType: 'operations', limit: 20, orderBy: 'worst' }, WIDE);
        await page.getByRole('columnheader').first().waitFor();
        await shot(page, `explore-operations-${mode}`);
        const columns = await headers(page);
        const first = ['Verdict', 'What is wrong', 'Operation', 'Type', 'Started', 'Took'];
        assert.deepEqual(
          columns.slice(0, first.length).map(({ name }) => name),
          first
        );
        assert.deepEqual(
          columns.filter(({ cut }) => cut).map(({ name }) => name),
          [],
          'headers that are cut'
        );
        assert.ok(columns[1].width >= 340, `What is wrong has ${columns[1].width} pixels`);
        const verdicts = await cells(page, 0);
        assert.ok(new Set(verdicts.map(({ colour }) => colour)).size >= 3, JSON.stringify(verdicts.slice(0, 3)));
        const summaries = await cells(page, 1);
        assert.ok(isOld || summaries.some(({ lines }) => lines > 1), 'a long summary is wrapped');
        const ids = (await cells(page, 2)).filter(({ text }) => text.startsWith('op_'));
        assert.ok(ids.length > 0 && ids.every(({ links }) => links > 0), 'ids are links');
        assert.ok(
          ids.every(({ text, cut }) => /_[0-9a-f]{8}$/.test(text) && (isOld || !cut || /^op_agent/.test(text))),
          'ids are whole'
        );
      },
      { viewport: { width: 1332, height: 960 } }
    );
  }

  test('acceptance G5: the lists of an operation are readable tables', async (page) => {
    const row = (await operations(page)).find(({ verdict, operation_id: id }) => verdict === 'failed' && id);
    const query = { queryType: 'diagnosis', operationId: row.operation_id, follow: false };
    await call(page, 'explore', 'dark', query, { width: 1160, height: 260 });
    await page.getByRole('columnheader').first().waitFor();
    await shot(page, 'explore-lists', { fullPage: true });
    const names = (await headers(page)).map(({ name }) => name);
    assert.ok(names.length > 20, names.join());
    assert.deepEqual(
      names.filter((name) => name.includes('_')),
      []
    );
  });

  test('acceptance G4: the node graph prints text, and its legend names', async (page) => {
    const row = (await operations(page)).find(({ verdict, operation_id: id }) => verdict === 'unreachable' && id);
    for (const mode of MODES) {
      await call(
        page,
        'explore',
        mode,
        { queryType: 'serviceMap', operationId: row.operation_id },
        { width: 900, height: 420 }
      );
      await page.getByTestId('node-graph').waitFor();
      await shot(page, `explore-node-graph-${mode}`, { clip: { x: 0, y: 0, width: 940, height: 460 } });
    }
    const legend = await page.getByTestId('node-graph').locator('ul').first().locator('li').allInnerTexts();
    assert.deepEqual(
      legend.map((text) => text.replace('▬ ', '')),
      ['Time on the path', 'Errors', 'On the path', 'Elsewhere']
    );
    const stats = page.getByTestId('stats');
    for (const text of await stats.allInnerTexts()) {
      assert.match(text, /^[\d.]+ (µs|ms|s|min|h|d).*\n(no errors|\d+ errors?)$/);
    }
    const cut = await stats.evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
    assert.equal(cut, 0, 'texts that do not fit into their circle');
  });

  for (const dashboard of dashboards) {
    test(
      `acceptance G6, G7: dashboard ${dashboard.name} at 1300 pixels`,
      async (page) => {
        await draw(page, 'dark', dashboard, WIDE.width);
        await shot(page, `page-${dashboard.name}-1300`, { fullPage: true });
        // titles of panels, cut where they do not fit
        const titles = await page.locator('[data-panel] h2').evaluateAll((all) =>
          all.map((title) => {
            const parts = [title, ...title.querySelectorAll('*')];
            return { text: title.innerText, cut: parts.some((part) => part.scrollWidth > part.clientWidth) };
          })
        );
        assert.ok(
          titles.length >= dashboard.panels.filter(({ type }) => type !== 'row').length,
          'every panel has a title'
        );
        assert.deepEqual(
          titles.filter(({ cut }) => cut).map(({ text }) => text),
          [],
          'titles that are cut'
        );
        const names = await page.getByTestId('series').getByRole('button').allInnerTexts();
        assert.deepEqual(
          names.filter((name) => /\bhalf\b|\d %|, none\b|^none\b/i.test(name)),
          [],
          'names of series'
        );
        if (dashboard.name !== 'diagnosis') {
          return;
        }
        const columns = await headers(page);
        assert.deepEqual(
          columns.map(({ name }) => name),
          ['Verdict', 'What is wrong', 'Operation', 'Type', 'Started', 'Took', 'Error', 'Most time in']
        );
        assert.deepEqual(
          columns.filter(({ cut }) => cut).map(({ name }) => name),
          [],
          'headers that are cut'
        );
        const widths = columns.map(({ width }) => width);
        assert.equal(Math.max(...widths), widths[1], `What is wrong is the widest: ${widths}`);
        assert.ok(widths.reduce((sum, width) => sum + width) <= WIDE.width, `no scrolling sideways: ${widths}`);
        const ids = (await cells(page, 2)).map(({ text }) => text);
        assert.ok(ids.some((text) => /^….{8}$/.test(text)) && ids.every((text) => text.length <= 9), ids.join());
      },
      { viewport: WIDE }
    );

    test(
      `dashboard ${dashboard.name} on a phone`,
      async (page) => {
        await draw(page, 'light', dashboard, PHONE.width);
        await shot(page, `page-${dashboard.name}-420`, { fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= PHONE.width, `the page is ${wide} pixels wide`);
      },
      { viewport: PHONE }
    );
  }

  test('acceptance G11: the list shows complete rows and the number of the remaining ones', async (page) => {
    const { frames } = await call(page, 'query', [{ queryType: 'operations', limit: 200 }]);
    const count = frames[0].rows;
    for (const height of [300, 333, 420, 555]) {
      await call(page, 'panel', 'dark', [{ queryType: 'operations', limit: 200 }], { width: 1000, height });
      const list = panelOf(page).getByRole('listbox');
      await list.waitFor();
      const whole = async () => {
        const seen = await list.evaluate((box) => {
          const { top, bottom } = box.getBoundingClientRect();
          const rows = [...box.querySelectorAll('[role=option]')].map((row) => row.getBoundingClientRect());
          const cut = rows.filter(
            (row) => row.bottom > top + 1 && row.top < bottom - 1 && (row.top < top - 1 || row.bottom > bottom + 1)
          );
          return { cut: cut.length, panel: box.closest('[data-testid]').getBoundingClientRect().bottom, bottom };
        });
        assert.equal(seen.cut, 0, `${height}: a row is cut`);
        assert.ok(seen.bottom <= seen.panel, `${height}: the list ends in its panel`);
      };
      await whole();
      await shot(page, `list-${height}`, { clip: { x: 0, y: 0, width: 1040, height: height + 40 } });
      const more = panelOf(page).getByRole('button', { name: /^\d+ more$/ });
      const left = Number((await more.innerText()).split(' ')[0]);
      const shown = Number(
        (
          await panelOf(page)
            .getByText(/ of \d+$/)
            .innerText()
        ).split(' ')[2]
      );
      assert.equal(left + shown, count);
      await list.hover();
      await page.mouse.wheel(0, 100);
      await page.waitForTimeout(700);
      await whole();
      await more.click();
      await page.waitForTimeout(200);
      await whole();
      await list.focus();
      await page.keyboard.press('End');
      await page.waitForTimeout(200);
      await whole();
      await panelOf(page).getByRole('button', { name: 'Back to the top' }).click();
      await panelOf(page)
        .getByText(new RegExp(`^1 to \\d+ of ${count}$`))
        .waitFor();
    }
    // a short list shows more per row
    const few = [{ queryType: 'operations', limit: 2, orderBy: 'worst' }];
    await call(page, 'panel', 'dark', few, { width: 1000, height: 300 });
    await panelOf(page).getByText('What to do').first().waitFor();
    await shot(page, 'list-few', { clip: { x: 0, y: 0, width: 1040, height: 340 } });
  });

  for (const mode of MODES) {
    test(`a step is marked with what it usually takes ${mode}`, async (page) => {
      const slow = (await operations(page)).filter(({ verdict, operation_id: id }) => verdict === 'slow' && id);
      const [row] = slow.sort((a, b) => a.span_count - b.span_count);
      const { frames } = await call(page, 'query', [
        { queryType: 'diagnosis', operationId: row.operation_id, follow: false },
      ]);
      const columns = (frame) => Object.entries(frame.values).map(([name, values]) => ({ name, values }));
      const [record, flow] = ['diagnosis', 'flow'].map((wanted) => frames.find(({ name }) => name === wanted));
      // comparable operations took a quarter of the time; half of the steps have no comparable step
      flow.values.baseline_ms = flow.values.path_ms.map((ms, at) => (ms > 0 && at % 2 === 0 ? ms / 4 : null));
      const marked = flow.values.baseline_ms.filter((ms) => ms !== null).length;
      assert.ok(marked > 0, 'a step on the path');
      const options = { firstProof: 'timeline' };
      await call(
        page,
        'panelWith',
        mode,
        [record, flow].map((frame) => ({ name: frame.name, fields: columns(frame) })),
        { width: 1100, height: 860 },
        options
      );
      const marks = panelOf(page).getByTestId('baseline');
      await marks.first().waitFor();
      assert.ok((await marks.count()) <= marked);
      await marks.first().hover();
      await page
        .getByText(/usually .* on the path, now .* \(4\.0 ×\)/)
        .first()
        .waitFor();
      await shot(page, `timeline-baseline-${mode}`);
      await accessible(page);
      await panelOf(page).getByText('usual time on the path').waitFor();
      flow.values.baseline_ms = flow.values.path_ms.map(() => null);
      await call(
        page,
        'panelWith',
        mode,
        [record, flow].map((frame) => ({ name: frame.name, fields: columns(frame) })),
        { width: 1100, height: 860 },
        options
      );
      await panelOf(page).getByRole('listbox').waitFor();
      assert.equal(await marks.count(), 0);
    });
  }
}
