/** What is made of an object, once for it and for as long as it is there: an isolate's bindings, above all. */
export function onceFor<K extends object, V extends object>(make: (of: K) => V): (of: K) => V {
  const made = new WeakMap<K, V>();
  return (of) => {
    let value = made.get(of);
    if (!value) {
      value = make(of);
      made.set(of, value);
    }
    return value;
  };
}
