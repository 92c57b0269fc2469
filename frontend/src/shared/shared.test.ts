import fs from 'node:fs';
import path from 'node:path';
import { formatAge, formatDuration, formatShare, parseDuration } from './duration';
import { isOperationId, isTraceId, shortOperationId } from './ids';
import { formatTag, parseTags } from './logfmt';

/** The backend is tested with the same cases. */
function table<T>(name: string): T {
  return JSON.parse(fs.readFileSync(path.join(__dirname, '../../../tests/shared', name), 'utf8')) as T;
}

// review B18: browser and backend disagreed on `1w` and `1500ns`, and wrote `1m 30s` and `1 min 30 s`.
describe('durations', () => {
  const { format, parse } = table<{
    format: Array<{ us: number; text: string }>;
    parse: Array<{ text: string; us: number | null }>;
  }>('durations.json');

  it.each(parse)('reads $text as the backend does', ({ text, us }) =>
    expect(parseDuration(text)).toBe(us === null ? null : us / 1000)
  );

  it.each(format)('writes $us µs as the backend does', ({ us, text }) => expect(formatDuration(us / 1000)).toBe(text));

  it.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0.0004, '0 ms'],
  ])('writes %p as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('writes shares and ages', () => {
    expect(formatShare(0.974)).toBe('97 %');
    expect(formatShare(0.034)).toBe('3.4 %');
    expect(formatAge(1000, 1500)).toBe('just now');
    expect(formatAge(0, 180_400)).toBe('3 min 0 s ago');
  });
});

describe('ids', () => {
  it('distinguishes operation ids from trace ids', () => {
    expect(isOperationId('op_data_load_20261122_100505_a41e50c8')).toBe(true);
    expect(isOperationId('4bf92f3577b34da6a3ce929d0e0e4736')).toBe(false);
    expect(isTraceId('4bf92f3577b34da6a3ce929d0e0e4736')).toBe(true);
    expect(isTraceId('op_training')).toBe(false);
    expect(shortOperationId('op_training_20261122_100505_a41e50c8')).toBe('…a41e50c8');
  });
});

// review B18: the backend read `a="b"c=d` and quotes within a word, the browser refused them.
describe('tags', () => {
  const { parse, format } = table<{
    parse: Array<{ text: string; tags?: Array<[string, string]>; problem?: string; at?: string }>;
    format: Array<{ key: string; value: string; text: string }>;
  }>('logfmt.json');

  it.each(parse)('reads $text as the backend does', ({ text, tags, problem, at }) => {
    const result = parseTags(text);
    if (result.ok) {
      expect(result.tags.map(({ key, value }) => [key, value])).toEqual(tags);
    } else {
      expect({ problem: result.problem, at: result.at }).toEqual({ problem, at });
    }
  });

  it.each(format)('writes $text', ({ key, value, text }) => {
    expect(formatTag({ key, value })).toBe(text);
    expect(parseTags(text)).toEqual({ ok: true, tags: [{ key, value }] });
  });

  it.each([
    ['novalue', /novalue.*write name=value/],
    ['a=1 =2', /=2.*a name is missing/],
    ['a="open', /a quote is not closed/],
    ['a=5"', /a=5".*quote the whole value/],
  ])('says what is wrong with %s', (text, message) => {
    const result = parseTags(text);
    expect(result.ok ? '' : result.message).toMatch(message);
  });
});
