import React from 'react';
import { type DataFrame, dateTime, LoadingState, type PanelProps } from '@grafana/data';
import { config, type DataSourceSrv, setDataSourceSrv } from '@grafana/runtime';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { of, throwError } from 'rxjs';
import { errorEntry, frame, httpCall, operation, step } from '../../test/frames';
import { DiagnosisPanel } from './DiagnosisPanel';
import { plugin } from './module';
import { type PanelOptions } from './options';

const timeRange = { from: dateTime(0), to: dateTime(1000), raw: { from: 'now-1h', to: 'now' } };

interface More {
  options?: Partial<PanelOptions>;
  state?: LoadingState;
  error?: string;
  width?: number;
  height?: number;
}

function props(series: DataFrame[], { options, state, error, width = 900, height = 700 }: More = {}) {
  return {
    id: 1,
    width,
    height,
    timeZone: 'utc',
    timeRange,
    options: { ...options },
    data: { series, state: state ?? LoadingState.Done, timeRange, errors: error ? [{ message: error }] : undefined },
  } as unknown as PanelProps<PanelOptions>;
}

const lists = () => [
  frame('flow', [
    step({ span: 'POST /start', service: 'api', duration_ms: 1000 }),
    step({
      span: 'training loop',
      kind: 'gap',
      depth: 1,
      is_bottleneck: true,
      offset_ms: 100,
      duration_ms: 800,
      span_id: null,
    }),
    step({
      span: 'load',
      depth: 1,
      status: 'error',
      error_type: 'DataNotFoundError',
      offset_ms: 900,
      duration_ms: 100,
    }),
  ]),
  frame('errors', [errorEntry(), errorEntry({ role: 'propagated', span: 'POST /start', service: 'api' })]),
  frame('http', [httpCall()]),
  frame('evidence', [
    {
      rule: 'error.data_not_found',
      kind: 'event',
      trace_id: 't',
      span_id: 's',
      service: 'worker',
      span: 'load',
      key: 'exception.type',
      value: 'DataNotFoundError',
      at: 5,
      summary: 'why',
    },
  ]),
];
const SOURCE = { custom: { datasource: { uid: 'ktrdr', type: 'ktrdr-diagnosis-datasource' } } };
const one = (change = {}) => [frame('diagnosis', [operation(change)], SOURCE), ...lists()];
const many = () =>
  frame(
    'operations',
    [
      operation({ operation_id: 'op_a', verdict: 'healthy', severity: 0, summary: 'All is well' }),
      operation({ operation_id: 'op_b', verdict: 'stuck', severity: 3, summary: 'Silent for 3 h', end: null }),
      operation({ operation_id: 'op_c', verdict: 'slow', severity: 2, summary: 'Three times as long' }),
    ],
    SOURCE
  );

beforeAll(() => {
  config.exploreEnabled = true;
});

describe('one operation', () => {
  it('shows verdict, root cause, solution and confidence', () => {
    render(<DiagnosisPanel {...props(one())} />);
    expect(screen.getByText('Training failed: no data for AAPL 1h')).toBeInTheDocument();
    expect(screen.getByText('The symbol was never downloaded.')).toBeInTheDocument();
    expect(screen.getByText(/Medium confidence: the worker’s spans are missing/)).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Copy command: ktrdr data load AAPL 1h' })).toBeInTheDocument();
    expect(screen.getByText('24 min 0 s (97 %) · training-worker · no span covers it')).toBeInTheDocument();
  });

  it('opens the tab with the evidence for the verdict and shows the path of the error', async () => {
    render(<DiagnosisPanel {...props(one())} />);
    const way = screen.getByRole('list', { name: /path of the error/ });
    expect(within(way).getAllByRole('listitem')).toHaveLength(2);
    expect(screen.queryByText(/Traceback/)).not.toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { name: 'Stack trace' }));
    expect(screen.getByText(/Traceback/)).toBeInTheDocument();
  });

  it('marks the usual time of a step on its bar', async () => {
    const steps = [
      step({ span: 'grown', path_ms: 800, baseline_ms: 200 }),
      step({ span: 'as ever', path_ms: 100, baseline_ms: 2000 }),
      step({ span: 'new', baseline_ms: null }),
    ];
    const { rerender } = render(
      <DiagnosisPanel {...props([frame('diagnosis', [operation()], SOURCE), frame('flow', steps)])} />
    );
    await userEvent.click(screen.getByRole('tab', { name: /Timeline/ }));
    // the second lies outside of the visible part, the third has no comparable step
    const [mark, ...others] = screen.getAllByTestId('baseline');
    expect(others).toHaveLength(0);
    const bar = mark!.parentElement!.firstElementChild as HTMLElement;
    expect(parseFloat(mark!.style.left)).toBeCloseTo(parseFloat(bar.style.width) * 0.2);
    await userEvent.hover(mark!);
    expect(await screen.findByText('usually 200 ms on the path, now 800 ms (4.0 ×)')).toBeInTheDocument();
    expect(screen.getByRole('option', { name: /grown.*usually 200 ms/ })).toBeInTheDocument();
    expect(screen.getByRole('option', { name: /as ever.*usually 2.0 s/ })).toBeInTheDocument();
    expect(screen.getByText('usual time on the path')).toBeInTheDocument();

    const plain = [step({ span: 'new', baseline_ms: null })];
    rerender(<DiagnosisPanel {...props([frame('diagnosis', [operation()], SOURCE), frame('flow', plain)])} />);
    expect(screen.queryByTestId('baseline')).not.toBeInTheDocument();
    expect(screen.queryByText('usual time on the path')).not.toBeInTheDocument();
  });

  it('links evidence to its span', async () => {
    render(<DiagnosisPanel {...props(one())} />);
    await userEvent.click(screen.getByRole('tab', { name: /Evidence/ }));
    const link = screen.getByRole('link', { name: /load/ });
    expect(decodeURIComponent(link.getAttribute('href')!)).toContain('"spanId":"s"');
  });

  it('shows calls without an answer', async () => {
    render(<DiagnosisPanel {...props(one())} />);
    await userEvent.click(screen.getByRole('tab', { name: /HTTP/ }));
    expect(screen.getByText(/no answer ConnectError/)).toBeInTheDocument();
    expect(screen.getByText('api → training-worker')).toBeInTheDocument();
  });

  it('leaves out tabs that are empty or disabled', () => {
    render(<DiagnosisPanel {...props(one(), { options: { proofs: ['timeline', 'workers', 'errors'] } })} />);
    expect(screen.getAllByRole('tab').map((tab) => tab.textContent)).toEqual(['Timeline', 'Errors2']);
  });

  it('moves through the timeline by keyboard', async () => {
    render(<DiagnosisPanel {...props(one(), { options: { firstProof: 'timeline' } })} />);
    const list = screen.getByRole('listbox');
    list.focus();
    await userEvent.keyboard('b');
    expect(within(list).getByRole('option', { selected: true })).toHaveAccessibleName(/training loop.*bottleneck/);
    await userEvent.keyboard('e');
    expect(within(list).getByRole('option', { selected: true })).toHaveAccessibleName(/error DataNotFoundError/);
    await userEvent.keyboard('{Home}');
    expect(within(list).getByRole('option', { selected: true })).toHaveAccessibleName(/POST \/start/);
    expect(list).toHaveAttribute('aria-activedescendant', within(list).getByRole('option', { selected: true }).id);
  });

  it('renders only the visible ones of ten thousand steps', () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => step({ span: `step ${i}`, offset_ms: i }));
    const frames = [frame('diagnosis', [operation()], SOURCE), frame('flow', steps)];
    render(<DiagnosisPanel {...props(frames, { options: { firstProof: 'timeline' } })} />);
    expect(screen.getAllByRole('option').length).toBeLessThan(60);
    expect(screen.getByText('10000 steps')).toBeInTheDocument();
  });

  it('shows no age of the progress once an operation has ended', () => {
    const { end } = operation();
    const ended = operation({ status: 'failed', progress_percent: 100, progress_phase: 'Failed', progress_at: end });
    render(<DiagnosisPanel {...props(one(ended))} />);
    expect(screen.queryByText(/just now| ago/)).not.toBeInTheDocument();
    expect(screen.getByText('100 %')).toBeInTheDocument();
  });

  it('shows progress and age while it runs, and keeps the position when frames are replaced', async () => {
    const running = {
      verdict: 'running',
      status: 'running',
      severity: 0,
      end: null,
      progress_percent: 40,
      progress_phase: 'epoch 4',
      error_type: null,
      error_message: null,
    };
    const { rerender } = render(<DiagnosisPanel {...props(one(running))} />);
    expect(screen.getByText('40 %')).toBeInTheDocument();
    expect(screen.getByText(/running for 25 min/)).toBeInTheDocument();
    await userEvent.click(screen.getByRole('tab', { name: /HTTP/ }));
    rerender(
      <DiagnosisPanel {...props(one({ ...running, progress_percent: 55 }), { state: LoadingState.Streaming })} />
    );
    expect(screen.getByText('55 %')).toBeInTheDocument();
    expect(screen.getByRole('tab', { name: /HTTP/ })).toHaveAttribute('aria-selected', 'true');
  });

  it('shows only the verdict if there is little space', () => {
    render(<DiagnosisPanel {...props(one(), { width: 200, height: 120 })} />);
    expect(screen.getByText('Training failed: no data for AAPL 1h')).toBeInTheDocument();
    expect(screen.queryByRole('tab')).not.toBeInTheDocument();
  });
});

describe('many operations', () => {
  it('shows the finding of a healthy operation', () => {
    const finding = {
      rule: 'quality.gate_rejected',
      verdict: 'healthy' as const,
      severity: 1 as const,
      summary: 'The training gate rejected the result',
      root_cause: null,
      solution: null,
      evidence: [],
    };
    const fine = operation({ verdict: 'healthy', severity: 0, findings: [finding] });
    const slow = operation({ operation_id: 'op_c', verdict: 'slow', severity: 2, findings: [finding] });
    render(<DiagnosisPanel {...props([frame('operations', [fine, slow], SOURCE)])} />);
    expect(screen.getAllByText(/The training gate rejected the result/)).toHaveLength(1);
  });

  const ask = (query: () => unknown) => {
    const source = { query: jest.fn(query) };
    setDataSourceSrv({ get: async () => source } as unknown as DataSourceSrv);
    return source;
  };

  it('are listed worst first', () => {
    render(<DiagnosisPanel {...props([many()])} />);
    const rows = screen.getAllByRole('option').map((row) => row.textContent);
    expect(rows.map((text) => /^(Stuck|Slow|Healthy)/.exec(text ?? '')?.[0])).toEqual(['Stuck', 'Slow', 'Healthy']);
  });

  it('show the number of remaining rows, and cause and solution if there is space', () => {
    const long = Array.from({ length: 30 }, (_, i) => operation({ operation_id: `op_${i}`, start: i }));
    const { rerender } = render(<DiagnosisPanel {...props([frame('operations', long, SOURCE)], { height: 300 })} />);
    expect(screen.getByText('1 to 5 of 30')).toBeInTheDocument();
    expect(screen.getByRole('button', { name: '25 more' })).toBeInTheDocument();
    expect(screen.queryByText(/symbol was never downloaded/)).not.toBeInTheDocument();
    rerender(<DiagnosisPanel {...props([frame('operations', long.slice(0, 2), SOURCE)], { height: 300 })} />);
    expect(screen.queryByRole('button', { name: /more/ })).not.toBeInTheDocument();
    expect(screen.getAllByText(/symbol was never downloaded/)).toHaveLength(2);
    expect(screen.getAllByText('ktrdr data load AAPL 1h')).toHaveLength(2);
  });

  it('can be filtered by verdict, and healthy ones hidden', async () => {
    const { rerender } = render(<DiagnosisPanel {...props([many()])} />);
    await userEvent.click(screen.getByRole('button', { name: /Slow 1/ }));
    expect(screen.getAllByRole('option')).toHaveLength(1);
    await userEvent.click(screen.getByRole('button', { name: /Slow 1/ }));
    rerender(<DiagnosisPanel {...props([many()], { options: { hideHealthy: true } })} />);
    expect(screen.getAllByRole('option')).toHaveLength(2);
  });

  it('open the diagnosis, requested from the data source, and close again', async () => {
    const source = ask(() =>
      of({ data: [frame('diagnosis', [operation({ operation_id: 'op_b', verdict: 'stuck' })]), ...lists()] })
    );
    render(<DiagnosisPanel {...props([many()])} />);
    screen.getByRole('listbox').focus();
    await userEvent.keyboard('{ArrowDown}{Enter}');
    expect(await screen.findByRole('tab', { name: /HTTP/ })).toBeInTheDocument();
    expect(source.query.mock.calls[0]).toMatchObject([{ targets: [{ queryType: 'diagnosis', operationId: 'op_b' }] }]);
    await userEvent.keyboard('{Escape}');
    expect(screen.getByRole('option', { selected: true })).toHaveAccessibleName(/Silent for 3 h/);
  });

  it('show the known fields if the rest cannot be fetched', async () => {
    ask(() => throwError(() => new Error('Jaeger is down')));
    render(<DiagnosisPanel {...props([many()])} />);
    await userEvent.click(screen.getByRole('option', { name: /Three times as long/ }));
    expect(await screen.findByText('Jaeger is down')).toBeInTheDocument();
    expect(screen.getByText('Three times as long')).toBeInTheDocument();
  });
});

describe('without a diagnosis', () => {
  it.each([
    ['nothing was found', [], {}, 'No operations'],
    [
      'the query failed',
      [],
      { state: LoadingState.Error, error: 'Jaeger at http://j refused' },
      'Jaeger at http://j refused',
    ],
    ['the answer is not there yet', [], { state: LoadingState.Loading }, 'Diagnosing …'],
    ['the data is of another source', [frame('cpu', [{ value: 1 }])], {}, 'This panel shows diagnoses'],
  ])('says so when %s', (_, series, more, text) => {
    render(<DiagnosisPanel {...props(series as DataFrame[], more)} />);
    expect(screen.getByText(text)).toBeInTheDocument();
  });
});

it('has options with defaults', () => {
  expect(plugin.meta ?? {}).toBeDefined();
  expect(plugin.panel).toBe(DiagnosisPanel);
});
