/** What an image is likely to be, by the name in its URL. A wrong guess is refused at registration, with the right one. */

/** Endings that say nothing of the image within: compression, and metalinks. */
const WRAPPINGS = /\.(?:gz|bz2|xz|zst|zip|meta4|metalink)$/i;

export function formatByName(url: string): 'QCOW2' | 'RAW' | 'ISO' | undefined {
  const path = url.replace(/[?#].*$/, '').replace(WRAPPINGS, '');
  if (/\.iso$/i.test(path)) return 'ISO';
  if (/\.(?:raw|dd)$/i.test(path)) return 'RAW';
  return /\.qcow2?$/i.test(path) ? 'QCOW2' : undefined;
}
