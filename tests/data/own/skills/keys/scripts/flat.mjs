export const flat = (value, before = "") =>
  typeof value === "object"
    ? Object.entries(value).flatMap(([key, inner]) => flat(inner, before ? `${before}.${key}` : key))
    : [before];
