/** Proxies: their syntax, and the URLs that are fetched without them. */
import { isWithin, parseAddress, parseBlock } from './addresses.ts';

/** URLs of proxies, `http://host:port` or `https://host:port`, and what is reached without. */
export interface Proxies {
  /** For http URLs. */
  readonly http?: string;
  /** For https URLs. */
  readonly https?: string;
  readonly none?: readonly string[];
}

/** @returns what is wrong, as a sentence that never shows what may be a password; undefined when nothing is */
export function checkProxy(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL such as http://proxy.example.org:3128';
  const { protocol, hostname, pathname, search, hash } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return 'must begin with http:// or https://, which is how the proxy itself is spoken to';
  }
  if (hostname === '') return 'names no host';
  return pathname === '/' && search === '' && hash === ''
    ? undefined
    : 'must be http://host:port or https://host:port without a path';
}

export const proxyPort = ({ protocol, port }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);

/** `*`, a name (its subdomains as well), an address, a block of addresses; each with a port behind it, or not. */
export function checkNoProxy(entry: string): string | undefined {
  const { name } = splitPort(entry);
  if (name === '*' || parseBlock(name) !== undefined || /^\.?[\w-]+(?:\.[\w-]+)*\.?$/.test(name))
    return undefined;
  return `'${entry}' is not *, a host name, an address or an address block`;
}

/**
 * Whether a URL is fetched without a proxy.
 * @param hosts the host of the URL, and the addresses that it has where they are known
 */
export const goesAround = (none: readonly string[], hosts: readonly string[], port: number): boolean =>
  none.some((entry) => {
    const { name, port: only } = splitPort(entry);
    return (only === undefined || only === port) && hosts.some((host) => matches(name, host));
  });

function matches(entry: string, host: string): boolean {
  if (entry === '*') return true;
  const [block, address] = [parseBlock(entry), parseAddress(host)];
  if (block !== undefined) return address !== undefined && isWithin(address, block);
  const [suffix, name] = [plain(entry).replace(/^\*?\./, ''), plain(host)];
  return name === suffix || name.endsWith(`.${suffix}`);
}

const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');

function splitPort(entry: string): { readonly name: string; readonly port?: number } {
  const [, six, name = entry, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(entry) ?? [];
  const bare = (six ?? name).replace(/^\[|\]$/g, '');
  return port === undefined ? { name: bare } : { name: bare, port: Number(port) };
}
