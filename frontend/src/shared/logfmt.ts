// Tag filters: `http.status_code=503 worker.type="gpu host"`. The backend reads the same grammar (src/plugin/logfmt.rs);
// tests/shared/logfmt.json tests both.

export interface Tag {
  key: string;
  value: string;
}

export type Problem = 'noValue' | 'noKey' | 'openQuote' | 'strayQuote';

/** The tags, or the invalid word. */
export type Tags = { ok: true; tags: Tag[] } | { ok: false; problem: Problem; at: string; message: string };

/** White space as the backend defines it: JavaScript's `\s` has one character more and one less. */
const SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const KEY = new RegExp(`^[^${SPACE}="]*`);
const WORD = new RegExp(`^[^${SPACE}]*`);
const QUOTED = /^"((?:[^"\\]|\\[^])*)"/;
const LEADING = new RegExp(`^[${SPACE}]+`);
const PLAIN = new RegExp(`^[^${SPACE}="]+$`);

const WHY: Record<Problem, string> = {
  noValue: 'write name=value',
  noKey: 'a name is missing before =',
  openQuote: 'a quote is not closed',
  strayQuote: 'a quote stands within a word: quote the whole value',
};

/** Parses logfmt; an error says what is wrong and where. */
export function parseTags(text: string): Tags {
  const tags: Tag[] = [];
  let rest = text.replace(LEADING, '');
  while (rest !== '') {
    const word = WORD.exec(rest)?.[0] ?? '';
    const key = KEY.exec(rest)?.[0] ?? '';
    const mark = rest[key.length];
    if (mark !== '=') {
      return wrong(mark === '"' ? 'strayQuote' : 'noValue', word);
    }
    if (key === '') {
      return wrong('noKey', word);
    }
    rest = rest.slice(key.length + 1);
    let value: string;
    if (rest.startsWith('"')) {
      const quoted = QUOTED.exec(rest);
      if (!quoted) {
        return wrong('openQuote', word);
      }
      value = (quoted[1] ?? '').replace(/\\([^])/g, '$1');
      rest = rest.slice(quoted[0].length);
    } else {
      value = WORD.exec(rest)?.[0] ?? '';
      rest = rest.slice(value.length);
      if (value.includes('"')) {
        return wrong('strayQuote', word);
      }
    }
    const after = rest.replace(LEADING, '');
    if (after !== '' && after === rest) {
      return wrong('strayQuote', word);
    }
    tags.push({ key, value });
    rest = after;
  }
  return { ok: true, tags };
}

const wrong = (problem: Problem, at: string): Tags => ({
  ok: false,
  problem,
  at,
  message: `At “${at}”: ${WHY[problem]}, as in http.status_code=503 symbol="BRK B"`,
});

/** One pair, quoted if necessary. */
export function formatTag({ key, value }: Tag): string {
  return PLAIN.test(value) ? `${key}=${value}` : `${key}="${value.replace(/["\\]/g, '\\$&')}"`;
}
