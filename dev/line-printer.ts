/** Prints lines for the person at the terminal. */

export type PrintLine = (line: string) => void;

/** A terminal that is closed meanwhile does not end the process. */
export function createLinePrinter(out: NodeJS.WriteStream): PrintLine {
  out.on('error', () => undefined);
  return (line) => void out.write(`${line}\n`);
}
