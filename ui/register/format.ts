/** The format that the name of a file suggests; the host looks at the bytes. */
export function guessFormat(url: string): 'QCOW2' | 'RAW' | undefined {
  const [path = ''] = url.toLowerCase().split(/[?#]/, 1);
  const name = path.replace(/\.(?:gz|bz2|xz|zst|zip|metalink|meta4)$/, '');
  if (/\.(?:qcow2?|img)$/.test(name)) return 'QCOW2';
  return name.endsWith('.raw') ? 'RAW' : undefined;
}
