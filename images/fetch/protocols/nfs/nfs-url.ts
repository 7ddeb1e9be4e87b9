/** What is taken as a URL of a file on NFS. */
import { UrlSyntaxError } from '../../../../model/url.ts';

const NFS_HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const NFS_NAME = /^[\w.+~@=,:-]+$/;

/**
 * Host and path become arguments of libnfs's programs, so only plain names are taken.
 * @throws UrlSyntaxError
 */
export function requireNfsUrl(text: string): void {
  const [, host = '', path = '', query = ''] = /^nfs:\/\/([^/?#]*)([^?#]*)([^]*)$/i.exec(text) ?? [];
  if (!NFS_HOST.test(host)) throw new UrlSyntaxError('has a host that is no host name or address');
  const names = path.split('/').slice(1);
  if (names.some((name) => name === '.' || name === '..')) {
    throw new UrlSyntaxError("has a path with '.' or '..' in it");
  }
  if (names.length === 0 || !names.every((name) => NFS_NAME.test(name))) {
    throw new UrlSyntaxError(
      'has a path that is not /NAME/…/NAME of letters, digits and . _ + ~ @ = , : -, as nfs demands',
    );
  }
  if (!/^(?:\?version=[34])?$/.test(query)) {
    throw new UrlSyntaxError('has a query or fragment; nfs takes ?version=3 or ?version=4 only');
  }
}
