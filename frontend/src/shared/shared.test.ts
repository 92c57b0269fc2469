import { formatAge, formatDuration, formatShare, parseDuration } from './duration';
import { isOperationId, isTraceId, shortOperationId } from './ids';
import { formatTag, parseTags } from './logfmt';

describe('durations', () => {
  it.each([
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['1m 30s', 90_000],
    ['500us', 0.5],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', 'fast', '10', '10 parsecs', '-5s', '1m30'])('refuses %p', (text) =>
    expect(parseDuration(text)).toBeNull()
  );

  it.each([
    [0, '0 ms'],
    [0.38, '380 µs'],
    [41.2, '41 ms'],
    [1520, '1.52 s'],
    [59_960, '1m'],
    [1_443_000, '24m 3s'],
    [3_599_900, '1h'],
    [3_840_000, '1h 4m'],
    [90_000_000, '1d 1h'],
    [null, '–'],
  ])('writes %p as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('writes shares and ages', () => {
    expect(formatShare(0.974)).toBe('97 %');
    expect(formatShare(0.034)).toBe('3.4 %');
    expect(formatAge(1000, 1500)).toBe('just now');
    expect(formatAge(0, 180_400)).toBe('3m ago');
  });
});

describe('ids', () => {
  it('knows operation ids from trace ids', () => {
    expect(isOperationId('op_data_load_20261122_100505_a41e50c8')).toBe(true);
    expect(isOperationId('4bf92f3577b34da6a3ce929d0e0e4736')).toBe(false);
    expect(isTraceId('4bf92f3577b34da6a3ce929d0e0e4736')).toBe(true);
    expect(isTraceId('op_training')).toBe(false);
    expect(shortOperationId('op_training_20261122_100505_a41e50c8')).toBe('…a41e50c8');
  });
});

describe('tags', () => {
  it('reads logfmt and writes it back', () => {
    const text = 'http.status_code=503 symbol="BRK \\"B\\"" empty=';
    const result = parseTags(text);
    expect(result).toEqual({
      ok: true,
      tags: [
        { key: 'http.status_code', value: '503' },
        { key: 'symbol', value: 'BRK "B"' },
        { key: 'empty', value: '' },
      ],
    });
    expect(formatTag({ key: 'symbol', value: 'BRK "B"' })).toBe('symbol="BRK \\"B\\""');
  });

  it.each([
    ['novalue', /novalue.*write name=value/],
    ['a=1 =2', /=2.*a name is missing/],
    ['a="open', /a quote is not closed/],
  ])('says what is wrong with %s', (text, message) => {
    const result = parseTags(text);
    expect(result.ok ? '' : result.message).toMatch(message);
  });
});
