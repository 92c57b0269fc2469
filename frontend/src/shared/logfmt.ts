// Tag filters: `http.status_code=503 worker.type="gpu host"`.

export interface Tag {
  key: string;
  value: string;
}

export type Tags = { ok: true; tags: Tag[] } | { ok: false; message: string };

const PAIR = /^\s*([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)/;

/** Reads logfmt; says what is wrong and where. */
export function parseTags(text: string): Tags {
  const tags: Tag[] = [];
  let rest = text.trimEnd();
  while (rest.trim() !== '') {
    const match = PAIR.exec(rest);
    if (!match?.[1]) {
      const part = rest.trim().split(/\s+/)[0] ?? rest;
      const why = part.includes('"')
        ? 'a quote is not closed'
        : part.startsWith('=')
          ? 'a name is missing before ='
          : 'write name=value';
      return { ok: false, message: `At “${part}”: ${why}, as in http.status_code=503 symbol="BRK B"` };
    }
    tags.push({ key: match[1], value: match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '' });
    rest = rest.slice(match[0].length);
  }
  return { ok: true, tags };
}

/** One pair, quoted where it has to be. */
export function formatTag({ key, value }: Tag): string {
  return /^[^\s"=]+$/.test(value) ? `${key}=${value}` : `${key}="${value.replace(/["\\]/g, '\\$&')}"`;
}
