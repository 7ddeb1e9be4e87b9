/** Lines for the person who started it. */

export type Tell = (line: string) => void;

/** A terminal that was closed meanwhile ends nothing. */
export function createTeller(out: NodeJS.WriteStream): Tell {
  out.on('error', () => undefined);
  return (line) => void out.write(`${line}\n`);
}
