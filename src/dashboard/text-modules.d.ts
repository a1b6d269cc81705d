/* Files that the build takes in as text: `import … with { type: 'text' }`. */
declare module '*/verify.mjs' {
  const text: string;
  export default text;
}
declare module '*/verify-body.mjs' {
  const text: string;
  export default text;
}
declare module '*.py' {
  const text: string;
  export default text;
}
declare module '*.go' {
  const text: string;
  export default text;
}
declare module '*.php' {
  const text: string;
  export default text;
}
declare module '*.rb' {
  const text: string;
  export default text;
}
declare module '*.java' {
  const text: string;
  export default text;
}
declare module '*.cs' {
  const text: string;
  export default text;
}
declare module '*.sh' {
  const text: string;
  export default text;
}
