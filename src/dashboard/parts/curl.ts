/** A text as one argument of a shell command. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The command that sends a delivery's request again by hand: the same bytes and headers, signatures included. Brackets in a URL are not patterns. */
export function curlCommand(url: string, headers: Readonly<Record<string, string>>, body: string): string {
  const headerArguments = Object.entries(headers).map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`);
  return [`curl --globoff -X POST ${quoted(url)}`, ...headerArguments, `  --data-binary ${quoted(body)}`].join(' \\\n');
}
