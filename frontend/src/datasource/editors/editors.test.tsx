import React, { useState } from 'react';
import { CoreApp } from '@grafana/data';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { dataSource } from '../../../test/datasource';
import { type KtrdrQuery, type VariableQuery } from '../query';
import { AnnotationQueryEditor } from './AnnotationQueryEditor';
import { QueryEditor } from './QueryEditor';
import { QueryHelp } from './QueryHelp';
import { VariableQueryEditor } from './VariableQueryEditor';

interface Setup {
  app?: CoreApp;
  suggest?: () => Promise<string[]>;
  upload?: () => Promise<string>;
}

/** An editor that keeps its changes, as Grafana does. */
function setup(
  query: Partial<KtrdrQuery>,
  { app, suggest, upload }: Setup = {},
  Editor: typeof QueryEditor = QueryEditor
) {
  const datasource = dataSource();
  jest.spyOn(datasource, 'suggest').mockImplementation(suggest ?? (async () => ['op_a', 'op_b']));
  jest.spyOn(datasource, 'upload').mockImplementation(upload ?? (async () => 'h1'));
  const last: { query: KtrdrQuery } = { query: { refId: 'A', ...query } };
  const onRunQuery = jest.fn();
  function Kept() {
    const [current, setCurrent] = useState(last.query);
    const onChange = (next: KtrdrQuery) => {
      last.query = next;
      setCurrent(next);
    };
    return <Editor datasource={datasource} query={current} onChange={onChange} onRunQuery={onRunQuery} app={app} />;
  }
  render(<Kept />);
  return { last, onRunQuery, datasource, user: userEvent.setup() };
}

/** A field requests its suggestions a moment after the last key. */
const settle = () => act(() => new Promise((resolve) => setTimeout(resolve, 500)));

describe('query editor', () => {
  it('keeps the id when the type changes', async () => {
    const { last, user } = setup({ queryType: 'diagnosis', operationId: 'op_training_20261122_100505_a41e50c8' });
    await user.click(screen.getByRole('radio', { name: 'Trace' }));
    expect(last.query).toMatchObject({ queryType: 'trace', query: 'op_training_20261122_100505_a41e50c8' });
    await user.click(screen.getByRole('radio', { name: 'Service map' }));
    expect(last.query).toMatchObject({ queryType: 'serviceMap', operationId: 'op_training_20261122_100505_a41e50c8' });
  });

  it('suggests operation ids and accepts typed ones', async () => {
    const { last, user, onRunQuery, datasource } = setup({ queryType: 'diagnosis' });
    const field = screen.getByLabelText('Operation or trace id');
    await user.click(field);
    await waitFor(() => expect(datasource.suggest).toHaveBeenCalledWith('operation-ids', expect.anything()));
    await user.type(field, 'op_b');
    await settle();
    await user.keyboard('{Enter}');
    expect(last.query.operationId).toBe('op_b');
    expect(onRunQuery).toHaveBeenCalled();
    expect(screen.getByText(/looks like neither an operation id/)).toBeInTheDocument();
  });

  it('says why there are no suggestions and can still be used', async () => {
    const refused = () => Promise.reject({ data: { message: 'Jaeger at http://j:16686 refused the connection' } });
    const { user } = setup({ queryType: 'diagnosis' }, { suggest: refused });
    await user.click(screen.getByLabelText('Operation or trace id'));
    expect(await screen.findByText(/refused the connection\. You can still type a value/)).toBeInTheDocument();
  });

  it.each([
    ['Min duration', 'fast', /is not a duration/],
    ['Tags', 'symbol', /write name=value/],
    ['Limit', '50000', /whole number from 1 to 10000/],
  ])('says under “%s” what is wrong and does not run', async (label, text, message) => {
    const { user, onRunQuery } = setup({ queryType: 'operations' });
    await user.type(screen.getByLabelText(label), text);
    expect(await screen.findByText(message)).toBeInTheDocument();
    await user.tab();
    expect(onRunQuery).not.toHaveBeenCalled();
  });

  it('applies valid values and leaves out empty ones', async () => {
    const { last, user, onRunQuery } = setup({ queryType: 'operations', filters: { tags: 'a=1' } });
    await user.type(screen.getByLabelText('Min duration'), '1m30s{Enter}');
    await user.clear(screen.getByLabelText('Tags'));
    await user.type(screen.getByLabelText('Limit'), '7');
    await user.tab();
    expect(last.query).toMatchObject({ filters: { minDuration: '1m30s' }, limit: 7 });
    expect(last.query.filters).not.toHaveProperty('tags');
    expect(onRunQuery).toHaveBeenCalledTimes(3);
  });

  it('compares with the time before, or with another range', async () => {
    const { last, user, onRunQuery } = setup({ queryType: 'operations' });
    await user.click(screen.getByRole('radio', { name: 'What changed' }));
    expect(screen.getByRole('radio', { name: 'The time before' })).toBeChecked();
    expect(screen.getByLabelText('Verdict')).toBeInTheDocument();
    await user.click(screen.getByRole('radio', { name: 'Another range' }));
    onRunQuery.mockClear();
    await user.type(screen.getByLabelText('Baseline from'), 'yesterday');
    expect(await screen.findByText(/is not a time\. Write now-2h/)).toBeInTheDocument();
    await user.clear(screen.getByLabelText('Baseline from'));
    await user.type(screen.getByLabelText('Baseline from'), 'now-2h{Enter}');
    expect(onRunQuery).not.toHaveBeenCalled();
    await user.type(screen.getByLabelText('Baseline to'), '$until{Enter}');
    expect(onRunQuery).toHaveBeenCalledTimes(1);
    expect(last.query).toMatchObject({ queryType: 'culprits', baseline: { from: 'now-2h', to: '$until' } });
    await user.click(screen.getByRole('radio', { name: 'The time before' }));
    expect(last.query).not.toHaveProperty('baseline');
    expect(onRunQuery).toHaveBeenCalledTimes(2);
  });

  it('keeps of the groups and the format what the score of culprits has', async () => {
    const { last, user } = setup({
      queryType: 'metric',
      measure: 'failed',
      groupBy: ['verdict', 'service'],
      format: 'timeseries',
    });
    await user.type(screen.getByLabelText('Measure'), 'culprit');
    await user.keyboard('{ArrowDown}{Enter}');
    expect(last.query).toMatchObject({ measure: 'culprit_score', groupBy: ['service'], format: 'numeric' });
    expect(screen.getByRole('radio', { name: 'Time series' })).toBeDisabled();
    expect(screen.getByRole('radio', { name: 'Another range' })).toBeInTheDocument();
  });

  it('chooses which operations come first', async () => {
    const { last, user, onRunQuery } = setup({ queryType: 'operations' });
    expect(screen.getByRole('radio', { name: 'Newest' })).toBeChecked();
    await user.click(screen.getByRole('radio', { name: 'Worst' }));
    expect(last.query.orderBy).toBe('worst');
    expect(onRunQuery).toHaveBeenCalledTimes(1);
  });

  it('runs the current query on Shift+Enter', async () => {
    const { user, onRunQuery } = setup({ queryType: 'operations', filters: { tags: 'a=1' } });
    await user.type(screen.getByLabelText('Tags'), '{Shift>}{Enter}{/Shift}');
    expect(onRunQuery).toHaveBeenCalledTimes(1);
  });

  it('reports a longest duration below the shortest', () => {
    setup({ queryType: 'operations', filters: { minDuration: '1h', maxDuration: '1m' } });
    expect(screen.getByText(/maximum duration is below the minimum/)).toBeInTheDocument();
  });

  it('offers several verdicts', async () => {
    const { last, user } = setup({ queryType: 'operations' });
    for (const verdict of ['failed', 'healthy']) {
      await user.type(screen.getByLabelText('Verdict'), verdict);
      await settle();
      await user.keyboard('{ArrowDown}{Enter}');
      await user.clear(screen.getByLabelText('Verdict'));
    }
    expect(last.query.filters?.verdicts).toEqual(['failed', 'healthy']);
  });

  it('chooses measure and format of a metric', async () => {
    const { last, user } = setup({ queryType: 'metric' });
    await user.type(screen.getByLabelText('Measure'), 'Failure ratio{Enter}');
    await user.click(screen.getByRole('radio', { name: 'Time series' }));
    expect(last.query).toMatchObject({ measure: 'failure_ratio', format: 'timeseries' });
  });

  it('offers only what an alert rule can use', async () => {
    const { last, user } = setup({ queryType: 'operations' }, { app: CoreApp.UnifiedAlerting });
    expect(screen.getByText(/An alert rule cannot use a query of type “operations”/)).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Change to Metric' }));
    expect(last.query).toMatchObject({ queryType: 'metric', measure: 'not_healthy' });
    expect(screen.queryByRole('radio', { name: 'Operations' })).not.toBeInTheDocument();
  });

  it('warns of variables in an alert rule', () => {
    setup({ queryType: 'metric', filters: { types: ['$type'] } }, { app: CoreApp.UnifiedAlerting });
    expect(screen.getByText(/template variables are not replaced/)).toBeInTheDocument();
  });

  it('shows a link from another data source as a trace query', () => {
    setup({ queryType: 'traceql', query: '4bf92f3577b34da6a3ce929d0e0e4736' });
    expect(screen.getByRole('radio', { name: 'Trace' })).toBeChecked();
  });
});

describe('upload', () => {
  const pick = async (file: File, more: Setup = {}) => {
    const context = setup({ queryType: 'upload' }, { app: CoreApp.Explore, ...more });
    await userEvent.setup({ applyAccept: false }).upload(screen.getByLabelText('Trace file'), file);
    return context;
  };

  it('uploads a file and runs the query', async () => {
    const { last, onRunQuery } = await pick(new File(['{"data":[]}'], 'trace.json'));
    await waitFor(() => expect(onRunQuery).toHaveBeenCalled());
    expect(last.query).toMatchObject({ upload: 'h1', uploadName: 'trace.json' });
  });

  it('rejects files that are not JSON without sending them', async () => {
    const { datasource } = await pick(new File(['<html>'], 'page.html'));
    expect(await screen.findByText(/page\.html is not JSON/)).toBeInTheDocument();
    expect(datasource.upload).not.toHaveBeenCalled();
  });

  it('rejects files that are too large and suggests another way', async () => {
    const file = new File(['{}'], 'big.json');
    Object.defineProperty(file, 'size', { value: 70 * 1024 * 1024 });
    await pick(file);
    expect(await screen.findByText(/has 70 MiB; at most 64 MiB.*ktrdr-diagnose file/)).toBeInTheDocument();
  });

  it('shows the error of the backend', async () => {
    await pick(new File(['{}'], 't.json'), { upload: () => Promise.reject({ data: { message: 'Editors only' } }) });
    expect(await screen.findByText('t.json could not be uploaded: Editors only.')).toBeInTheDocument();
  });
});

describe('other editors', () => {
  it('selects the severity of marked operations', async () => {
    const { last, user } = setup({}, {}, AnnotationQueryEditor);
    await user.click(screen.getByRole('radio', { name: 'Critical' }));
    expect(last.query).toMatchObject({ queryType: 'annotations', minSeverity: 3 });
  });

  it('lists values for variables, with filters only where they matter', async () => {
    const { last, user } = setup({}, {}, VariableQueryEditor as unknown as typeof QueryEditor);
    expect(screen.getByLabelText('Tags')).toBeInTheDocument();
    await user.type(screen.getByLabelText('Values'), 'Verdicts{Enter}');
    expect((last.query as VariableQuery).kind).toBe('verdicts');
    expect(screen.queryByLabelText('Tags')).not.toBeInTheDocument();
  });

  it('runs an example on a click', async () => {
    const onClickExample = jest.fn();
    render(<QueryHelp datasource={dataSource()} query={{ refId: 'C' }} onClickExample={onClickExample} />);
    await userEvent.click(screen.getByRole('button', { name: /What is wrong right now/ }));
    expect(onClickExample).toHaveBeenCalledWith(expect.objectContaining({ refId: 'C', queryType: 'operations' }));
  });
});
