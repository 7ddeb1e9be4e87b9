/** The settings of the door: where a host serves copies to other hosts, and how much. */
import { isWildcard, joinPart, splitPart } from '../../model/url-policy.ts';
import type { PeerReport } from '../../model/spread.ts';
import { hostAddress } from '../host-settings.ts';
import { label, SettingError } from '../settings.ts';
import type { SettingName, Settings } from '../settings.ts';

export interface DoorSettings extends Pick<PeerReport, 'address' | 'uploads' | 'rate'> {
  readonly listen: { readonly host: string; readonly port: number };
}

/**
 * @returns undefined when the host serves no copies
 * @throws SettingError
 */
export function doorSettings(settings: Settings): DoorSettings | undefined {
  const listen = endpoint(settings, 'peerListen');
  if (listen === undefined) {
    if (!settings.given('peerAddress')) return undefined;
    throw new SettingError(`${label('peerAddress')} is given, but no ${label('peerListen')}`);
  }
  const reached = endpoint(settings, 'peerAddress') ?? listen;
  return {
    listen,
    address: joinPart(isWildcard(reached.host) ? hostAddress() : reached.host, reached.port),
    uploads: settings.number('peerUploads', 1),
    rate: settings.number('peerRate'),
  };
}

function endpoint(settings: Settings, name: SettingName): DoorSettings['listen'] | undefined {
  const text = settings.text(name);
  const found = splitPart(text);
  if (text === '' || found !== undefined) return found;
  throw new SettingError(
    `${label(name)} must be an address with a port, such as 10.0.0.7:7443, not '${text}'`,
  );
}
