// A solution is plain text. Its commands are lines that are indented, start with `$ `, or are in a fence or backquotes.

export type Part = { kind: 'text'; text: string } | { kind: 'commands'; lines: string[] };

export function parseSolution(text: string): Part[] {
  const parts: Part[] = [];
  let fenced = false;
  for (const line of text.replace(/\r/g, '').split('\n')) {
    if (/^\s*```/.test(line)) {
      fenced = !fenced;
      continue;
    }
    if (line.trim() === '') {
      continue;
    }
    const command = fenced || /^(?: {2,}|\t)\S/.test(line) || /^\s*\$ /.test(line);
    const content = command ? line.trim().replace(/^\$ /, '') : line.trim();
    const last = parts[parts.length - 1];
    if (command && last?.kind === 'commands') {
      last.lines.push(content);
    } else {
      parts.push(command ? { kind: 'commands', lines: [content] } : { kind: 'text', text: content });
    }
  }
  return parts;
}

/** Splits a line at its backquotes: every second part is code. */
export const splitCode = (line: string): string[] => line.split('`');
