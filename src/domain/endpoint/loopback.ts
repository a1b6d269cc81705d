const NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Whether a URL's host is this machine: the Worker runs for whoever develops it, and nobody else is on the way. */
export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
  return NAMES.has(hostname);
}
