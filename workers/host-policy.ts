/** The URL policy and the proxies of a host, from its settings. Jobs can only narrow this policy. */
import type { Logger } from './runtime.ts';
import { PROTOCOLS } from '../images/fetch/protocols/registry.ts';
import { schemeCheck } from '../model/protocols.ts';
import { checkNoProxy, checkProxy } from '../model/proxy.ts';
import type { Proxies } from '../model/proxy.ts';
import { entryChecks, isLoopback, splitPart } from '../model/url-policy.ts';
import type { UrlPolicy } from '../model/url-policy.ts';
import { label, SettingError } from './settings.ts';
import type { SettingName, Settings } from './settings.ts';

type Check = (entry: string) => string | undefined;

/**
 * @param temporalAddress `host:port` of Temporal, which no URL may lead to
 * @throws SettingError
 */
export function hostPolicy(settings: Settings, temporalAddress: string): UrlPolicy {
  const [deny, parts] = denied(settings);
  const ports = listOf(settings, 'urlPorts', entryChecks.ports);
  const only = listOf(settings, 'urlOnly', entryChecks.block);
  const health = settings.text('healthPort');
  return {
    schemes: listOf(settings, 'urlSchemes', schemeCheck(PROTOCOLS)),
    openAddresses: listOf(settings, 'urlAllow', entryChecks.block),
    denyAddresses: deny,
    denyPorts: listOf(settings, 'urlDenyPorts', entryChecks.ports),
    parts: [
      ...parts,
      ...[temporalAddress, `127.0.0.1:${health}`].filter((part) => splitPart(part) !== undefined),
    ],
    allowDowngrade: asZoneSays(settings, 'urlDowngrade'),
    proxyIsGuard: asZoneSays(settings, 'proxyGuard'),
    ...(only.length === 0 ? {} : { onlyAddresses: only }),
    // An operator who lists a port also permits it when it belongs to another service, such as 22.
    ...(ports.length === 0 ? {} : { onlyPorts: ports, openPorts: ports }),
  };
}

/** @throws SettingError */
export function hostProxies(settings: Settings): Proxies {
  const [http, https] = [proxyOf(settings, 'httpProxy'), proxyOf(settings, 'httpsProxy')];
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    none: listOf(settings, 'noProxy', checkNoProxy),
  };
}

/** Warns in the first lines of the log when the settings allow internal addresses. */
export function announcePolicy(settings: Settings, logger: Logger): void {
  const open = listOf(settings, 'urlAllow', entryChecks.block);
  if (open.length === 0) return;
  const loopback = open.some((block) => isLoopback(block.replace(/\/.*$/, '')));
  const what = loopback
    ? ', loopback among them: everybody who may register templates can make this machine send requests to itself'
    : '';
  logger.warn(`URLs may lead to ${open.join(', ')}${what}`);
}

function listOf(settings: Settings, name: SettingName, check: Check): readonly string[] {
  const entries = split(settings.text(name));
  const wrong = entries.map(check).find((sentence) => sentence !== undefined);
  if (wrong !== undefined) throw new SettingError(`${label(name)} is not right: ${wrong}`);
  return entries;
}

const split = (text: string): readonly string[] => text.split(/[\s,]+/).filter((entry) => entry !== '');

const isPart = (entry: string): boolean =>
  splitPart(entry) !== undefined && entryChecks.block(entry) !== undefined;

/** Splits the setting `urlDeny` into address blocks and endpoints of Bypass. */
function denied(settings: Settings): readonly [blocks: readonly string[], parts: readonly string[]] {
  const entries = listOf(settings, 'urlDeny', (entry) =>
    isPart(entry) ? undefined : entryChecks.block(entry),
  );
  return [entries.filter((entry) => !isPart(entry)), entries.filter(isPart)];
}

function asZoneSays(settings: Settings, name: SettingName): boolean {
  const text = settings.text(name);
  if (text === 'zone' || text === 'never') return text === 'zone';
  throw new SettingError(`${label(name)} must be zone or never, not '${text}'`);
}

/** Accepts `host:port` without a scheme, as other programs do. */
function proxyOf(settings: Settings, name: SettingName): string | undefined {
  const text = settings.text(name);
  if (text === '') return undefined;
  const url = text.includes('://') ? text : `http://${text}`;
  const wrong = checkProxy(url);
  if (wrong !== undefined) throw new SettingError(`${label(name)} ${wrong}`);
  return url;
}
