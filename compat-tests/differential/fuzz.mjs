export function fuzzed() { return []; }
