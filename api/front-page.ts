/** A page that says what this is and where to go on. */

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export function frontPage({
  apiUrl,
  temporalUiUrl = '',
}: {
  readonly apiUrl: string;
  readonly temporalUiUrl: string | undefined;
}): string {
  const temporal = /^https?:\/\//.test(temporalUiUrl)
    ? `<p>What runs now, and what ran: <a href="${escape(temporalUiUrl)}">Temporal's Web UI</a> (${escape(temporalUiUrl)})</p>`
    : "<p>What runs now, and what ran, is shown by Temporal's Web UI.</p>";
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Bypass</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style></head>
<body>
<h1>Bypass</h1>
<p>VM templates and ISOs, straight from their URL onto the KVM hosts that run them.</p>
<p>The API, in CloudStack's dialect, signed: <code>${escape(apiUrl)}</code></p>
${temporal}
<p>On a command line: <code>bypass --help</code></p>
</body>
</html>
`;
}
