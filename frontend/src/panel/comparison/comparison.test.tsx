import React from 'react';
import { type DataFrame, dateTime, LoadingState, type PanelProps } from '@grafana/data';
import { config, type DataSourceSrv, setDataSourceSrv } from '@grafana/runtime';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { of, throwError } from 'rxjs';
import { comparison, culprit, frame, operation } from '../../../test/frames';
import { DiagnosisPanel } from '../DiagnosisPanel';
import { type PanelOptions } from '../options';

const timeRange = { from: dateTime(0), to: dateTime(1000), raw: { from: 'now-1h', to: 'now' } };

function show(...series: DataFrame[]) {
  const props = {
    id: 1,
    width: 900,
    height: 500,
    timeZone: 'utc',
    timeRange,
    options: {},
    data: { series, state: LoadingState.Done, timeRange },
  } as unknown as PanelProps<PanelOptions>;
  render(<DiagnosisPanel {...props} />);
}

beforeAll(() => {
  config.exploreEnabled = true;
});

describe('what changed', () => {
  it('is a ranked list with place, kind, amount, share and confidence', () => {
    const network = culprit({
      rank: 2,
      kind: 'network',
      service: 'cart',
      caller: 'frontend',
      excess_ms: 80,
      share: 0.2,
    });
    const errors = culprit({ rank: 3, kind: 'errors', service: 'api', excess_ms: null, error_ratio: 0.6, share: 0.11 });
    show(comparison([culprit(), network, errors]));
    const rows = screen.getAllByRole('listitem');
    expect(rows).toHaveLength(3);
    for (const text of ['1', 'ib-host', 'Own time', '+ 1 min 55 s', '69 %', 'High confidence']) {
      expect(within(rows[0]!).getByText(text)).toBeInTheDocument();
    }
    expect(within(rows[1]!).getByText('frontend → cart')).toBeInTheDocument();
    expect(within(rows[1]!).getByText('Network')).toBeInTheDocument();
    expect(within(rows[2]!).getByText('60 % errors')).toBeInTheDocument();
    expect(
      screen.getByText(
        '55 operations of 2026-11-22 09:05 to 10:05 compared with 64 operations of 2026-11-22 08:05 to 09:05'
      )
    ).toBeInTheDocument();
    expect(screen.queryByText(/Too little to be sure/)).not.toBeInTheDocument();
  });

  it('opens the examples of a row, with their traces', async () => {
    show(comparison([culprit(), culprit({ rank: 2, service: 'api' })]));
    const [first, second] = screen.getAllByRole('button', { expanded: false });
    await userEvent.click(first!);
    const examples = screen.getByRole('list', { name: 'Examples that show it best' });
    expect(within(examples).getAllByRole('listitem')).toHaveLength(2);
    expect(within(examples).getByText('2 min 11 s more than 13.7 s')).toBeInTheDocument();
    const href = within(examples).getByRole('link', { name: 'Trace of example 1' }).getAttribute('href')!;
    const { ktrdr } = JSON.parse(new URL(href, 'http://local').searchParams.get('panes')!);
    expect(ktrdr.queries[0].query).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(ktrdr.panelsState.trace.spanId).toBe('aaaaaaaaaaaaaaaa');
    await userEvent.click(second!);
    expect(first).toHaveAttribute('aria-expanded', 'false');
    expect(second).toHaveAttribute('aria-expanded', 'true');
  });

  it('diagnoses an example and returns', async () => {
    const query = jest.fn(() => of({ data: [frame('diagnosis', [operation()])] }));
    setDataSourceSrv({ get: async () => ({ query }) } as unknown as DataSourceSrv);
    show(comparison([culprit()]));
    await userEvent.click(screen.getByRole('button', { expanded: false }));
    await userEvent.click(screen.getByRole('button', { name: 'Diagnose example 1' }));
    expect(await screen.findByText('Training failed: no data for AAPL 1h')).toBeInTheDocument();
    const [request] = query.mock.calls[0] as unknown as [{ targets: object[] }];
    expect(request.targets[0]).toMatchObject({
      queryType: 'diagnosis',
      operationId: '4bf92f3577b34da6a3ce929d0e0e4736',
    });
    await userEvent.keyboard('{Escape}');
    expect(screen.getByRole('button', { expanded: true })).toBeInTheDocument();
  });

  it.each([
    ['an error', () => throwError(() => new Error('Jaeger is down')), 'Jaeger is down'],
    ['no operation', () => of({ data: [] }), /holds no operation/],
  ])('says why an example cannot be diagnosed: %s', async (_, query, message) => {
    setDataSourceSrv({ get: async () => ({ query }) } as unknown as DataSourceSrv);
    show(comparison([culprit()]));
    await userEvent.click(screen.getByRole('button', { expanded: false }));
    await userEvent.click(screen.getByRole('button', { name: 'Diagnose example 1' }));
    expect(await screen.findByText(message)).toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { name: 'Back to what changed' }));
    expect(screen.getByText('High confidence')).toBeInTheDocument();
  });

  it('offers no diagnosis of requests, which are not operations', async () => {
    show(comparison([culprit()], { compared: 'requests', operations: 1, isThin: true }));
    expect(screen.getByText(/^1 request of/)).toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { expanded: false }));
    expect(screen.queryByRole('button', { name: /^Diagnose/ })).not.toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'Trace of example 1' })).toBeInTheDocument();
  });

  it('says that nothing changed', () => {
    show(comparison([]));
    expect(screen.getByText('Nothing changed')).toBeInTheDocument();
    expect(screen.getByText(/55 operations of .* compared with 64 operations/)).toBeInTheDocument();
  });

  it('says that a sample is too small, with rows and without', () => {
    show(comparison([culprit({ confidence: 'low' })], { isThin: true, operations: 3, baselineOperations: 4 }));
    expect(screen.getByText('Low confidence')).toBeInTheDocument();
    expect(
      screen.getByText(/Too little to be sure: at least 5 operations .* and 20 of the baseline/)
    ).toBeInTheDocument();
  });

  it('does not claim that nothing changed where little or nothing was compared', () => {
    show(comparison([], { isThin: true, operations: 3, baselineOperations: 4 }));
    expect(screen.getByText('Nothing found, but in few operations')).toBeInTheDocument();
  });

  it.each([
    [0, 64],
    [55, 0],
  ])('says that %d operations against %d cannot be compared', (operations, baselineOperations) => {
    show(comparison([], { operations, baselineOperations, isThin: true }));
    expect(screen.getByText('Nothing to compare')).toBeInTheDocument();
  });
});
