import { toDataFrame } from '@grafana/data';
import { config } from '@grafana/runtime';
import { comparison, culprit, errorEntry, frame, operation, step } from '../../test/frames';
import { readModel, sortOperations } from './readFrames';
import { dashboardLink, traceLink } from './links';
import { FOOTER_HEIGHT, listLayout, ROW_HEIGHT, TALL_ROW_HEIGHT } from './listLayout';
import { parseSolution } from './solution';
import { supplier } from './suggestions';
import { baselineMark, MIN_MARK_DISTANCE } from './timeline/bar';
import { extent, panned, ticks, zoomed } from './timeline/scale';
import { axisTicks, foldedScale, linearScale, positionOf, timeAt } from './timeline/compressedScale';
import { describeStep, filterSteps, serviceColors } from './timeline/steps';

describe('frames', () => {
  it('are read in any order, including JSON serialised as text', () => {
    const record = { ...operation(), services: '["api","worker"]', error_path: 'not json' };
    const model = readModel({
      series: [frame('flow', [step()]), frame('errors', [errorEntry()]), frame('diagnosis', [record])],
    });
    expect(model.operations[0]).toMatchObject({ services: ['api', 'worker'], error_path: [], duration_ms: 1_500_000 });
    expect(model.lists.flow).toHaveLength(1);
    expect(model.lists.errors[0]?.role).toBe('origin');
    expect(model.isDiagnosis).toBe(true);
  });

  it('keep unknown values unknown', () => {
    const [read] = readModel({
      series: [frame('operations', [{ verdict: 'stuck', summary: 's', severity: 3, end: null }])],
    }).operations;
    expect(read).toMatchObject({ operation_id: null, end: null, duration_ms: null, worker_status: null, findings: [] });
  });

  it('keep a row without a time apart from one of 1970', () => {
    const { errors } = readModel({
      series: [frame('errors', [errorEntry({ time: null }), errorEntry({ time: 0 })])],
    }).lists;
    expect(errors.map(({ time }) => time)).toEqual([null, 0]);
  });

  it('have the same evidence in their JSON columns as in the frame of evidence', () => {
    const evidence = { rule: 'r', kind: 'event', key: 'k', value: 'v', at: '1970-01-01T00:00:01.500Z', span: null };
    const finding = { rule: 'r', verdict: 'slow', severity: 2, summary: 'slow, too', evidence: [evidence] };
    const [read] = readModel({
      series: [frame('operations', [{ verdict: 'failed', summary: 's', evidence: [evidence], findings: [finding] }])],
    }).operations;
    expect(read?.evidence[0]).toMatchObject({ at: 1500, span_id: null, summary: 's' });
    expect(read?.findings[0]?.evidence[0]).toMatchObject({ at: 1500, summary: 'slow, too' });
  });

  it('name the data source to query for more, directly or through their links', () => {
    const said = frame('operations', [operation()], { custom: { datasource: { uid: 'a', type: 't' } } });
    expect(readModel({ series: [said] }).datasource).toEqual({ uid: 'a', type: 't' });
    const linked = frame('operations', [operation()]);
    linked.fields[0]!.config.links = [
      { title: '', url: '', internal: { datasourceUid: 'b', datasourceName: '', query: {} } },
    ];
    expect(readModel({ series: [linked] }).datasource).toEqual({ uid: 'b' });
  });

  it('of culprits keep their evidence and what was compared', () => {
    const { comparison: read, operations } = readModel({ series: [comparison([culprit()])] });
    expect(operations).toEqual([]);
    expect(read).toMatchObject({ compared: 'operations', operations: 55, baselineOperations: 64, isThin: false });
    expect(read?.culprits[0]).toMatchObject({ service: 'ib-host', caller: null, operation_types: ['data_load'] });
    expect(read?.culprits[0]?.evidence[0]).toMatchObject({ rule: 'culprit.span', span_id: 'aaaaaaaaaaaaaaaa' });
    expect(readModel({ series: [frame('operations', [operation()])] }).comparison).toBeUndefined();
  });

  it('of other data sources are named and not interpreted', () => {
    const foreign = toDataFrame({ name: 'cpu', fields: [{ name: 'value', values: [1] }] });
    expect(readModel({ series: [foreign] })).toMatchObject({ operations: [], foreign: ['cpu'] });
  });

  it('are sorted by severity', () => {
    const list = [
      operation({ operation_id: 'old', severity: 3, start: 1, duration_ms: 5 }),
      operation({ operation_id: 'fine', severity: 0, start: 9, duration_ms: 9 }),
      operation({ operation_id: 'new', severity: 3, start: 5, duration_ms: null }),
    ];
    const ids = (order: 'severity' | 'newest' | 'duration') => sortOperations(list, order).map((o) => o.operation_id);
    expect(ids('severity')).toEqual(['new', 'old', 'fine']);
    expect(ids('newest')).toEqual(['fine', 'new', 'old']);
    expect(ids('duration')).toEqual(['fine', 'old', 'new']);
  });
});

describe('solutions', () => {
  it('are split into text and commands', () => {
    expect(parseSolution('Start one:\n  docker compose up -d worker\n  ktrdr workers\nThen wait.')).toEqual([
      { kind: 'text', text: 'Start one:' },
      { kind: 'commands', lines: ['docker compose up -d worker', 'ktrdr workers'] },
      { kind: 'text', text: 'Then wait.' },
    ]);
  });

  it('may be fenced or start with a prompt', () => {
    expect(parseSolution('```sh\n$ ktrdr ops\n```')).toEqual([{ kind: 'commands', lines: ['ktrdr ops'] }]);
  });
});

// acceptance G11: rows were cut, and a panel with two rows was half empty.
describe('the list', () => {
  it.each([
    // count, height, layout
    [3, 3 * TALL_ROW_HEIGHT, { rowHeight: TALL_ROW_HEIGHT, rows: 3, tall: true, more: false }],
    [3, 3 * TALL_ROW_HEIGHT - 1, { rowHeight: ROW_HEIGHT, rows: 3, tall: false, more: false }],
    [3, 3 * ROW_HEIGHT, { rowHeight: ROW_HEIGHT, rows: 3, tall: false, more: false }],
    [3, 3 * ROW_HEIGHT - 1, { rowHeight: ROW_HEIGHT, rows: 2, tall: false, more: true }],
    [9, 4 * ROW_HEIGHT + FOOTER_HEIGHT, { rowHeight: ROW_HEIGHT, rows: 4, tall: false, more: true }],
    [9, 4 * ROW_HEIGHT + FOOTER_HEIGHT - 1, { rowHeight: ROW_HEIGHT, rows: 3, tall: false, more: true }],
    [9, ROW_HEIGHT + FOOTER_HEIGHT - 1, { rowHeight: ROW_HEIGHT, rows: 1, tall: false, more: false }],
    [9, 10, { rowHeight: ROW_HEIGHT, rows: 1, tall: false, more: false }],
    [0, 400, { rowHeight: TALL_ROW_HEIGHT, rows: 0, tall: true, more: false }],
  ])('of %i rows in %i pixels shows whole rows', (count, height, layout) =>
    expect(listLayout(count, height, true)).toEqual(layout)
  );

  it('never needs more than the panel has', () => {
    for (let height = ROW_HEIGHT; height < 900; height += 7) {
      for (const count of [1, 2, 5, 20, 200]) {
        const { rowHeight, rows, more } = listLayout(count, height, height % 2 === 0);
        expect(rows * rowHeight + (more ? FOOTER_HEIGHT : 0)).toBeLessThanOrEqual(height);
        expect(more || rows === count || height < ROW_HEIGHT + FOOTER_HEIGHT).toBe(true);
      }
    }
  });
});

beforeAll(() => {
  config.exploreEnabled = true;
});

describe('links', () => {
  it('lead to the span in the trace view, around the time of the operation', () => {
    const href = traceLink({ uid: 'ktrdr' }, 'abc', 'def', { start: 1_000_000, end: 2_000_000 });
    const panes = JSON.parse(new URL(href!, 'http://x').searchParams.get('panes')!);
    expect(panes.ktrdr).toMatchObject({
      datasource: 'ktrdr',
      queries: [{ queryType: 'trace', query: 'abc' }],
      range: { from: '940000', to: '2060000' },
      panelsState: { trace: { spanId: 'def' } },
    });
  });

  it('are left out without a target', () => {
    expect(traceLink(undefined, 'abc')).toBeUndefined();
    expect(traceLink({ uid: 'ktrdr' }, null)).toBeUndefined();
  });

  it('lead from an id to its dashboard, except on that dashboard', () => {
    const href = dashboardLink({ uid: 'ktrdr' }, 'op_training_1', '/d/ktrdr-operations/operations');
    expect(href).toBe('/d/ktrdr-diagnosis?var-diagnosis=ktrdr&var-operation=op_training_1');
    expect(dashboardLink({ uid: 'ktrdr' }, 'op_training_1', '/d/ktrdr-diagnosis/ktrdr-diagnosis')).toBeUndefined();
    expect(dashboardLink({ uid: 'ktrdr' }, null, '/')).toBeUndefined();
  });
});

describe('suggestions', () => {
  const frames = [frame('operations', [operation()])];

  it('are made for our frames only, with the APIs of old and new versions of Grafana', () => {
    expect(supplier({ rawFrames: frames })).toHaveLength(1);
    expect(supplier({ rawFrames: [comparison([])] })).toHaveLength(1);
    expect(supplier({ rawFrames: [] })).toBeUndefined();
    const append = jest.fn();
    supplier.getSuggestionsForData({ data: { series: frames }, getListAppender: () => ({ append }) });
    expect(append).toHaveBeenCalledTimes(1);
  });
});

describe('folded time', () => {
  const work = [step({ offset_ms: 0, duration_ms: 100 }), step({ offset_ms: 100, duration_ms: 100 })];
  const wait = step({ kind: 'gap', offset_ms: 200, duration_ms: 9700 });
  const end = step({ offset_ms: 9900, duration_ms: 100 });
  const steps = [...work, wait, end];
  const scale = foldedScale(steps, extent(steps));

  it('draws a long wait shorter than it was, and the steps longer', () => {
    expect(scale.segments.filter((segment) => segment.folded)).toEqual([
      expect.objectContaining({ from: 200, to: 9900 }),
    ]);
    expect(positionOf(scale, 200)).toBeCloseTo(0.467, 2);
    expect(positionOf(scale, 9900) - positionOf(scale, 200)).toBeCloseTo(0.3);
    expect(positionOf(scale, 10_000)).toBeCloseTo(1);
  });

  it('keeps the order, and finds the time at a position', () => {
    const moments = [0, 50, 200, 5000, 9900, 9950];
    const places = moments.map((at) => positionOf(scale, at));
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    moments.forEach((at, index) => expect(timeAt(scale, places[index]!)).toBeCloseTo(at, 3));
  });

  it('does not fold if work is spread evenly, or if there is none', () => {
    const even = Array.from({ length: 20 }, (_, i) => step({ offset_ms: i * 100, duration_ms: 100 }));
    expect(foldedScale(even, extent(even)).isFolded).toBe(false);
    expect(foldedScale([wait], extent([wait])).isFolded).toBe(false);
    expect(positionOf(linearScale({ from: 0, to: 10 }), 5)).toBe(0.5);
  });

  it('marks round times outside of the folds', () => {
    const shown = axisTicks(scale, { from: 0, to: 1 }, 1000).map(({ at }) => at);
    expect(shown).toContain(0);
    expect(shown.every((at) => at <= 200 || at >= 9900)).toBe(true);
  });
});

describe('timeline', () => {
  const all = { from: 0, to: 1000 };

  it('covers what lies before the window and after it', () => {
    expect(extent([step({ offset_ms: -50 }), step({ offset_ms: 900, duration_ms: 200 })])).toEqual({
      from: -50,
      to: 1100,
    });
    expect(extent([])).toEqual({ from: 0, to: 1 });
  });

  it('zooms around a time and stays inside', () => {
    expect(zoomed(all, all, 0.5, 500)).toEqual({ from: 250, to: 750 });
    expect(zoomed({ from: 0, to: 100 }, all, 4, 0)).toEqual({ from: 0, to: 400 });
    expect(zoomed({ from: 0, to: 900 }, all, 4, 0)).toEqual(all);
    expect(panned({ from: 800, to: 900 }, all, 500)).toEqual({ from: 900, to: 1000 });
  });

  it('has round marks', () => {
    expect(ticks(all, 5)).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(ticks({ from: 0, to: 3_600_000 }, 6)).toHaveLength(7);
    expect(ticks({ from: 0, to: 1e15 }, 6).length).toBeLessThan(50);
  });

  it('selects steps by kind and name', () => {
    const steps = [step({ path_ms: 0 }), step({ status: 'error', span: 'Load' }), step({ kind: 'gap', span: 'loop' })];
    expect(filterSteps(steps, 'path', '')).toHaveLength(2);
    expect(filterSteps(steps, 'errors', '')).toHaveLength(1);
    expect(filterSteps(steps, 'all', 'LOAD')).toHaveLength(1);
  });

  it('describes steps as text', () => {
    const text = describeStep(
      step({ span: 'loop', service: '', kind: 'gap', is_bottleneck: true, duration_ms: 60_000 })
    );
    expect(text).toBe('1 min 0 s, bottleneck, gap: no span covers it');
    expect(describeStep(step({ status: 'error', error_type: 'ValueError' }))).toContain('error ValueError');
  });

  it('marks the usual time if it is visible', () => {
    const ends = { left: 100, right: 200 };
    const mark = (change: object) => baselineMark(ends, step({ duration_ms: 100, path_ms: 0, ...change }), 300);
    expect(mark({ baseline_ms: MIN_MARK_DISTANCE })).toBe(100 + MIN_MARK_DISTANCE);
    expect(mark({ baseline_ms: MIN_MARK_DISTANCE - 0.1 })).toBeUndefined();
    expect(mark({ baseline_ms: 0, path_ms: MIN_MARK_DISTANCE })).toBe(100);
    expect(mark({ baseline_ms: 200 })).toBe(300);
    expect(mark({ baseline_ms: 200.1 })).toBeUndefined();
    expect(mark({ baseline_ms: null })).toBeUndefined();
    const zoomed = { left: -5000, right: 5000 };
    expect(baselineMark(zoomed, step({ duration_ms: 100, path_ms: 100, baseline_ms: 50 }), 300)).toBe(0);
    expect(baselineMark(zoomed, step({ duration_ms: 100, path_ms: 100, baseline_ms: 49 }), 300)).toBeUndefined();
  });

  it('shows the usual time of a step, and nothing without comparable operations', () => {
    const grown = step({ path_ms: 6000, baseline_ms: 1500 });
    expect(describeStep(grown)).toContain('usually 1.5 s on the path, now 6.0 s (4.0 ×)');
    expect(describeStep(step({ baseline_ms: 0 }))).toContain('usually 0 ms on the path, now 500 ms');
    expect(describeStep(step({ baseline_ms: null }))).not.toContain('usually');
  });

  it('gives each service its own colour, and none to gaps', () => {
    const steps = ['api', 'worker', 'api'].map((service) => step({ service }));
    const colors = serviceColors([...steps, step({ service: 'x', kind: 'gap' })]);
    expect([...colors.keys()]).toEqual(['api', 'worker']);
    expect(new Set(colors.values()).size).toBe(2);
  });
});
