/** What a leaf of a condition says of a field. */
export const OPERATORS = [
  ...(['equals', 'not_equals', 'one_of', 'none_of', 'contains', 'not_contains', 'starts_with', 'ends_with'] as const),
  ...(['greater_than', 'at_least', 'less_than', 'at_most', 'exists', 'not_exists'] as const),
] as const;

export type Operator = (typeof OPERATORS)[number];

export type Scalar = string | number | boolean;

/** What one field must be. */
export interface Leaf {
  /** A path of keys from the root of the event. */
  field: string;
  operator: Operator;
  /** Absent with `exists` and `not_exists`; a list with `one_of` and `none_of`. */
  value?: Scalar | Scalar[];
}

/** Which events a webhook wants. */
export type Condition = Leaf | { all: Condition[] } | { any: Condition[] } | { not: Condition };
