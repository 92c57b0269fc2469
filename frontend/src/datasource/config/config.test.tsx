import React, { useState } from 'react';
import { type DataSourceSettings } from '@grafana/data';
import { type BackendSrv, type DataSourceSrv, setBackendSrv, setDataSourceSrv } from '@grafana/runtime';
import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { of, throwError } from 'rxjs';
import { type KtrdrOptions } from '../query';
import { ConfigEditor } from './ConfigEditor';

function setup(jsonData: KtrdrOptions = {}, url = 'http://localhost:16686') {
  setDataSourceSrv({ getList: () => [], getInstanceSettings: () => undefined } as unknown as DataSourceSrv);
  const last = {
    options: {
      uid: 'ktrdr',
      type: 'ktrdr-diagnosis-datasource',
      url,
      jsonData,
      secureJsonFields: {},
      secureJsonData: {},
    } as unknown as DataSourceSettings<KtrdrOptions>,
  };
  function Kept() {
    const [options, setOptions] = useState(last.options);
    const keep = (next: DataSourceSettings<KtrdrOptions>) => {
      last.options = next;
      setOptions(next);
    };
    return <ConfigEditor options={options} onOptionsChange={keep as never} />;
  }
  render(<Kept />);
  return { last, user: userEvent.setup() };
}

it('keeps address, services and durations', async () => {
  const { last, user } = setup({}, '');
  await user.type(screen.getByLabelText(/Jaeger URL/), 'http://jaeger:16686');
  await user.type(screen.getByLabelText(/^Services/), 'ktrdr-*, ib-host');
  await user.type(screen.getByLabelText(/^Stuck after/), '30m');
  await user.tab();
  expect(last.options.url).toBe('http://jaeger:16686');
  expect(last.options.jsonData).toMatchObject({ discoveryServices: ['ktrdr-*', 'ib-host'], stallThreshold: '30m' });
});

it('removes a setting instead of keeping an empty string', async () => {
  const { last, user } = setup({ lookback: '24h' });
  await user.clear(screen.getByLabelText(/^Look back/));
  await user.tab();
  expect(last.options.jsonData.lookback).toBeUndefined();
});

it('shows a validation message at its field', async () => {
  const { user } = setup({}, 'localhost:16686');
  expect(screen.getByText(/must start with http/)).toBeInTheDocument();
  await user.type(screen.getByLabelText(/^Baseline window/), 'a week');
  expect(screen.getByText(/is not a duration/)).toBeInTheDocument();
});

it('sets tenant and limits', async () => {
  const { last, user } = setup();
  await user.click(screen.getByRole('button', { name: /Expand section Additional settings/ }));
  await user.type(screen.getByLabelText(/^TenantIts/), 'paper');
  await user.type(screen.getByLabelText(/^Largest answer \(MiB\)/), '0');
  expect(screen.getByText(/whole number of MiB/)).toBeInTheDocument();
  await user.clear(screen.getByLabelText(/^Largest answer \(MiB\)/));
  await user.type(screen.getByLabelText(/^Largest answer \(MiB\)/), '512');
  await user.tab();
  expect(last.options.jsonData).toMatchObject({ tenant: 'paper', maxBodyMiB: 512 });
});

it('links spans to logs', async () => {
  const { last, user } = setup({ tracesToLogsV2: { datasourceUid: 'loki', customQuery: false } });
  await user.type(screen.getAllByLabelText(/^Labels/)[0]!, 'service.name as service, host');
  await user.click(screen.getByLabelText(/^Filter by trace id/));
  expect(last.options.jsonData.tracesToLogsV2).toMatchObject({
    tags: [{ key: 'service.name', value: 'service' }, { key: 'host' }],
    filterByTraceID: true,
  });
});

describe('playbook', () => {
  const type = async (user: ReturnType<typeof userEvent.setup>) => {
    await user.click(screen.getByRole('radio', { name: 'Your own' }));
    await user.click(screen.getByLabelText(/^Playbook text/));
    await user.paste('[[rule]]');
    await user.tab();
  };

  it('is that for KTRDR unless another is chosen', async () => {
    const { last, user } = setup();
    expect(screen.getByRole('radio', { name: 'KTRDR' })).toBeChecked();
    expect(screen.queryByLabelText(/^Playbook text/)).not.toBeInTheDocument();
    await user.click(screen.getByRole('radio', { name: 'Any system' }));
    expect(last.options.jsonData.playbook).toBe('generic');
    await user.click(screen.getByRole('radio', { name: 'KTRDR' }));
    expect(last.options.jsonData.playbook).toBeUndefined();
  });

  it('shows the text of a saved playbook, and the name of a built-in one as its choice', () => {
    setup({ playbook: 'extends = "generic"' });
    expect(screen.getByRole('radio', { name: 'Your own' })).toBeChecked();
    expect(screen.getByLabelText(/^Playbook text/)).toHaveValue('extends = "generic"');
  });

  it('keeps the text while another choice is tried', async () => {
    const { last, user } = setup({ playbook: 'extends = "generic"' });
    await user.click(screen.getByRole('radio', { name: 'KTRDR' }));
    expect(last.options.jsonData.playbook).toBeUndefined();
    await user.click(screen.getByRole('radio', { name: 'Your own' }));
    expect(last.options.jsonData.playbook).toBe('extends = "generic"');
  });

  it('shows a built-in playbook that was provisioned by name', () => {
    setup({ playbook: 'generic' });
    expect(screen.getByRole('radio', { name: 'Any system' })).toBeChecked();
    expect(screen.queryByLabelText(/^Playbook text/)).not.toBeInTheDocument();
  });

  it('is checked by the backend, which names lines', async () => {
    const fetch = jest.fn().mockReturnValue(of({ data: { messages: [{ line: 1, message: 'a rule needs an id' }] } }));
    setBackendSrv({ fetch } as unknown as BackendSrv);
    const { last, user } = setup();
    await type(user);
    expect(await screen.findByText(/Line 1: a rule needs an id/)).toBeInTheDocument();
    expect(screen.getByText('The playbook needs a change')).toBeInTheDocument();
    expect(last.options.jsonData.playbook).toBe('[[rule]]');
  });

  it('is reported as valid if it is', async () => {
    setBackendSrv({ fetch: () => of({ data: { messages: [] } }) } as unknown as BackendSrv);
    const { user } = setup();
    await type(user);
    expect(await screen.findByText('The playbook is valid')).toBeInTheDocument();
  });

  it('is not reported as valid if it cannot be checked', async () => {
    setBackendSrv({ fetch: () => throwError(() => ({ statusText: 'Bad gateway' })) } as unknown as BackendSrv);
    const { user } = setup();
    await type(user);
    expect(await screen.findByText(/could not be checked: Bad gateway/)).toBeInTheDocument();
  });
});

describe('history', () => {
  const answering = (coverage: unknown) => {
    const fetch = jest.fn().mockReturnValue(of({ data: coverage }));
    setBackendSrv({ fetch } as unknown as BackendSrv);
    return fetch;
  };

  it('is off by default and asks the backend nothing', () => {
    const fetch = answering({ activity: 'off' });
    setup();
    expect(screen.getByRole('radio', { name: 'Off' })).toBeChecked();
    expect(screen.queryByLabelText(/^Keep for/)).not.toBeInTheDocument();
    expect(fetch).not.toHaveBeenCalled();
  });

  it('keeps place, durations and rate, and removes the place when it is turned off', async () => {
    answering({ activity: 'off' });
    const { last, user } = setup();
    await user.click(screen.getByRole('radio', { name: 'SQLite' }));
    expect(await screen.findByText(/Nothing is recorded/)).toBeInTheDocument();
    await user.type(screen.getByLabelText(/^Read the past/), '30d');
    await user.type(screen.getByLabelText(/^Keep for/), '1d');
    expect(screen.getByText(/at least as long as/)).toBeInTheDocument();
    await user.clear(screen.getByLabelText(/^Keep for/));
    await user.type(screen.getByLabelText(/^Keep for/), '60d');
    await user.type(screen.getByLabelText(/^Requests per second/), '0');
    expect(screen.getByText(/A number above 0/)).toBeInTheDocument();
    await user.clear(screen.getByLabelText(/^Requests per second/));
    await user.type(screen.getByLabelText(/^Requests per second/), '0.5');
    await user.tab();
    expect(last.options.jsonData).toMatchObject({
      history: 'sqlite',
      historyWindow: '30d',
      retention: '60d',
      maxRequestsPerSecond: 0.5,
    });
    await user.click(screen.getByRole('radio', { name: 'Off' }));
    expect(last.options.jsonData.history).toBeUndefined();
  });

  it('keeps the URL of the database as a secret', async () => {
    answering({ activity: 'off' });
    const { last, user } = setup({ history: 'postgres' });
    await user.type(screen.getByLabelText(/^Database URL/), 'postgres://u:p@db/x');
    expect(last.options.secureJsonData).toEqual({ historyUrl: 'postgres://u:p@db/x' });
    expect(JSON.stringify(last.options.jsonData)).not.toContain('postgres://');
    await screen.findByText(/Nothing is recorded/);
  });

  it('shows what is covered and asks again gently', async () => {
    jest.useFakeTimers();
    try {
      const completeSince = Date.UTC(2026, 10, 24, 12);
      const fetch = answering({
        activity: 'recording',
        caughtUp: false,
        place: 'SQLite file /var/lib/history/1-ktrdr.db',
        completeSince,
        lagSeconds: 12.3,
        requestsPerSecond: 1.96,
        gaps: [{ from: completeSince - 3_600_000, to: completeSince, reason: 'one trace is too large' }],
        gapCount: 3,
      });
      setup({ history: 'sqlite' });
      expect(await screen.findByText('The history is being filled')).toBeInTheDocument();
      expect(screen.getByText(/^Complete since 2026-11-24 .*, 12 s behind$/)).toBeInTheDocument();
      expect(screen.getByText('2.0 requests per second to Jaeger')).toBeInTheDocument();
      expect(screen.getByText(/^Missing from .*: one trace is too large$/)).toBeInTheDocument();
      expect(screen.getByText('… and 2 earlier gaps')).toBeInTheDocument();
      expect(fetch).toHaveBeenCalledTimes(1);
      await act(() => jest.advanceTimersByTimeAsync(9_000));
      expect(fetch).toHaveBeenCalledTimes(1);
      await act(() => jest.advanceTimersByTimeAsync(2_000));
      expect(fetch).toHaveBeenCalledTimes(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it.each([
    [{ activity: 'failed', error: 'the disk is full' }, 'The history cannot be used', 'the disk is full'],
    [
      { activity: 'failing', error: 'no route', place: 'memory' },
      'Recording has failed and is tried again',
      'no route',
    ],
    [
      { activity: 'standby', writer: 'other', place: 'PostgreSQL' },
      'Another process records: other',
      'Nothing is complete yet',
    ],
    [{ activity: 'recording', caughtUp: true, place: 'memory' }, 'The history is recorded', 'Kept in: memory'],
  ])('says what the recorder is doing: %j', async (coverage, title, line) => {
    answering(coverage);
    setup({ history: 'memory' });
    expect(await screen.findByText(title)).toBeInTheDocument();
    expect(screen.getByText(line)).toBeInTheDocument();
  });

  it('says why the backend could not be asked', async () => {
    setBackendSrv({ fetch: () => throwError(() => ({ statusText: 'Bad gateway' })) } as unknown as BackendSrv);
    setup({ history: 'memory' });
    expect(await screen.findByText('Bad gateway.')).toBeInTheDocument();
  });
});
