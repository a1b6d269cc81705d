/**
 * Where a JSON value has text that is not well-formed Unicode, as the names and places that lead there; null where it has none. Such text
 * (half a surrogate pair) has no UTF-8: stored, signed or sent it would become another text. A name that is such a text is told by its object.
 */
export function illFormedPlace(value: unknown): (string | number)[] | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : [];
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, part] of Object.entries(value)) {
    if (!name.isWellFormed()) return [];
    const place = illFormedPlace(part);
    if (place) return [Array.isArray(value) ? Number(name) : name, ...place];
  }
  return null;
}
