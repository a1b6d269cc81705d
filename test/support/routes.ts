import type { Route } from '../../src/api/route.ts';

export function nameOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method.toUpperCase()} ${path}`;
}

/** A route's path with its placeholders filled in; what is not given leads nowhere. */
export function pathOf({ path }: Pick<Route, 'path'>, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? `${name}_that_is_not`);
}
