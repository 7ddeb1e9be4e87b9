/** An argument that is `on` or `off`. */
import { UsageError } from './errors.ts';

export function parseOnOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new UsageError(`it is switched on or off, not '${text}'`);
}
