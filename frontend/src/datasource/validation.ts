// Validates typed values: a message that says what is wrong, or undefined. The backend checks values with template variables
// after the variables have been replaced.
import { parseDuration } from '../shared/duration';
import { isOperationId, isTraceId } from '../shared/ids';
import { parseTags } from '../shared/logfmt';
import { MAX_LIMIT } from './query';

const hasVariable = (text: string) => /\$\w|\$\{|\[\[/.test(text);
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)$/i;
const blank = (text: string | undefined): text is undefined | '' => !text?.trim();

export function durationHint(text: string | undefined): string | undefined {
  if (blank(text) || hasVariable(text) || parseDuration(text) !== null) {
    return undefined;
  }
  return `“${text}” is not a duration. Write a number with a unit, such as 250ms, 30s, 1m30s or 2h.`;
}

/** An end of a baseline, as the backend reads it. */
export function momentHint(text: string | undefined): string | undefined {
  if (blank(text) || hasVariable(text)) {
    return undefined;
  }
  const trimmed = text.trim();
  const relative = /^now(?:[-+](.+))?$/.exec(trimmed);
  const isRelative = relative !== null && (relative[1] === undefined || parseDuration(relative[1]) !== null);
  const isAbsolute = /^(?:\d{10}|\d{13})$/.test(trimmed) || (ISO.test(trimmed) && !Number.isNaN(Date.parse(trimmed)));
  return isRelative || isAbsolute
    ? undefined
    : `“${text}” is not a time. Write now-2h, 2026-11-22T10:05:00Z, or a variable such as \${__from}.`;
}

export function rangeHint(from: string | undefined, to: string | undefined): string | undefined {
  const least = parseDuration(from ?? '');
  const most = parseDuration(to ?? '');
  return least !== null && most !== null && least > most ? 'The maximum duration is below the minimum.' : undefined;
}

export function tagsHint(text: string | undefined): string | undefined {
  if (blank(text) || hasVariable(text)) {
    return undefined;
  }
  const result = parseTags(text);
  return result.ok ? undefined : result.message;
}

export function limitHint(limit: number | string | undefined): string | undefined {
  const text = String(limit ?? '');
  if (blank(text) || hasVariable(text)) {
    return undefined;
  }
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= MAX_LIMIT
    ? undefined
    : `The limit must be a whole number from 1 to ${MAX_LIMIT}.`;
}

/** A hint only: an id of another form may exist and is then found. */
export function idHint(text: string | undefined): string | undefined {
  if (blank(text) || hasVariable(text) || isOperationId(text.trim()) || isTraceId(text.trim())) {
    return undefined;
  }
  return 'This looks like neither an operation id (op_training_20261122_100505_a41e50c8) nor a trace id (32 hex digits).';
}

export function urlHint(url: string | undefined): string | undefined {
  if (blank(url)) {
    return 'Enter the URL of Jaeger, such as http://localhost:16686';
  }
  try {
    const { protocol } = new URL(url);
    return protocol === 'http:' || protocol === 'https:' ? undefined : 'The URL must start with http:// or https://';
  } catch {
    return 'This is not a valid URL. Include the scheme, as in http://localhost:16686';
  }
}
