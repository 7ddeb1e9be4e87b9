/** The proxies whose `X-Forwarded-…` headers the api trusts. */
import { parseBlock } from '../model/addresses.ts';
import { label, SettingError } from './settings.ts';
import type { Settings } from './settings.ts';

/** @throws SettingError when an entry is neither an address nor a block of addresses */
export function trustedProxies(settings: Settings): readonly string[] {
  const blocks = settings
    .text('trustedProxies')
    .split(/[\s,]+/)
    .filter((block) => block !== '');
  const wrong = blocks.find((block) => parseBlock(block) === undefined);
  if (wrong === undefined) return blocks;
  throw new SettingError(
    `${label('trustedProxies')} has '${wrong}', which is no address or block of addresses such as 10.1.0.0/24`,
  );
}
