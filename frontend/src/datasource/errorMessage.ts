/** The message of an error of Grafana's HTTP client, of the backend or of the browser. */
export function messageOf(error: unknown): string {
  const { data, message, statusText } = (error ?? {}) as {
    data?: { message?: string };
    message?: string;
    statusText?: string;
  };
  const text = data?.message ?? message ?? statusText ?? 'the backend did not answer';
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
