/** The settings of the door: where a host serves copies to other hosts, and how much. */
import { splitPart } from '../../model/url-policy.ts';
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
    address: inText({ ...reached, host: isWildcard(reached.host) ? hostAddress() : reached.host }),
    uploads: settings.number('peerUploads', 1),
    rate: settings.number('peerRate'),
  };
}

type Endpoint = DoorSettings['listen'];

function endpoint(settings: Settings, name: SettingName): Endpoint | undefined {
  const text = settings.text(name);
  const found = splitPart(text);
  if (text === '' || found !== undefined) return found;
  throw new SettingError(
    `${label(name)} must be an address with a port, such as 10.0.0.7:7443, not '${text}'`,
  );
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
const inText = ({ host, port }: Endpoint): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
