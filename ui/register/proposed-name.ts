/** Proposes a name by the address of an image. */

/** Extensions of compressions and formats, which do not belong to the name. */
const ENDINGS = /(?:\.(?:qcow2?|img|raw|iso|vmdk|vhdx?|tar|gz|bz2|xz|zst|zip|metalink|meta4))+$/i;

/** Such as `debian-12-genericcloud-amd64`; empty when the address names no file. */
export function proposedName(url: string): string {
  const [path = ''] = url.trim().split(/[?#]/, 1);
  const file = /^\w+:\/\/[^/]+\/(?:.*\/)?([^/]+)\/?$/.exec(path)?.[1] ?? '';
  return decoded(file).replace(ENDINGS, '').slice(0, 255);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
