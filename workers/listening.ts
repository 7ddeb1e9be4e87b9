/** Why a process cannot listen on its address and port, and what to do. */
import { StartError } from './start-error.ts';
import { label } from './settings.ts';
import type { SettingName } from './settings.ts';

export interface Listening {
  /** As the beginning of a sentence. */
  readonly what: string;
  readonly address: string;
  readonly port: number;
  readonly portSetting: SettingName;
  /** Absent where the address is fixed. */
  readonly addressSetting?: SettingName;
}

export function explainListening(error: unknown, listening: Listening): StartError {
  const { what, address, port, portSetting, addressSetting } = listening;
  const { code, message } = error as NodeJS.ErrnoException;
  const correct = addressSetting === undefined ? '' : `: correct ${label(addressSetting)}`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program listens on ${address}:${port}: choose another ${label(portSetting)}`,
    EACCES: `port ${port} is not for this user: choose one from 1024 on with ${label(portSetting)}`,
    EADDRNOTAVAIL: `this machine has no address ${address}${correct}`,
  };
  return new StartError(`${what} cannot listen: ${reasons[code ?? ''] ?? message}`, { cause: error });
}
