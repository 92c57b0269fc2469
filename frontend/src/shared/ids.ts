// Identifiers as KTRDR and OpenTelemetry write them.

const TRACE = /^[0-9a-f]{16}(?:[0-9a-f]{16})?$/i;
const OPERATION = /^op_[a-z0-9_]+_\d{8}_\d{6}_[0-9a-f]{8}$/i;

export const isTraceId = (text: string) => TRACE.test(text);

/** Whether the string has the usual form of an operation id. */
export const isOperationId = (text: string) => OPERATION.test(text);

/** The last part of an operation id, enough to distinguish operations in a list. */
export function shortOperationId(id: string): string {
  const parts = id.split('_');
  return parts.length > 2 ? `…${parts[parts.length - 1]}` : id;
}
