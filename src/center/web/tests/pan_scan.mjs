// Looks for card numbers in text: known ones wherever they stand, and unknown ones by their check digit.
import { readFileSync } from "node:fs";

/** Card numbers one a line; digits only are kept, so separators in the file do not matter. */
export function read_pans(path) {
  const lines = readFileSync(path, "utf8").split("\n").map((line) => line.replace(/\D/g, ""));
  return new Set(lines.filter((digits) => digits.length >= 13 && digits.length <= 19));
}

/** What was found, masked, or null. */
export function find_pan(text, known = new Set()) {
  return find_known(text, known) ?? find_by_luhn(text);
}

// Every window of every run of digits, separators taken out, against the known numbers.
function find_known(text, known) {
  if (!known.size) return null;
  const lengths = new Set([...known].map((pan) => pan.length));
  for (const [run] of text.matchAll(/\d(?:[ -]?\d){12,}/g)) {
    const digits = run.replace(/\D/g, "");
    for (const length of lengths) {
      for (let at = 0; at + length <= digits.length; ++at) {
        const window = digits.slice(at, at + length);
        if (known.has(window)) return masked(window);
      }
    }
  }
  return null;
}

// Digits in one piece or in groups of four. The digits of a fraction (a score) and of a word (a hash) are none.
function find_by_luhn(text) {
  const runs = [
    ...text.matchAll(/(?<![\w.-])\d{13,19}(?![\w.])/g), ...text.matchAll(/(?<![\w.-])\d{4}(?:[ -]\d{4}){2,3}(?:[ -]\d{1,7})(?![\w.])/g),
  ];
  for (const [run] of runs) {
    const digits = run.replace(/\D/g, "");
    if (digits.length >= 13 && digits.length <= 19 && passes_luhn(digits)) return masked(digits);
  }
  return null;
}

export function passes_luhn(digits) {
  let sum = 0;
  for (let i = 0; i < digits.length; ++i) {
    let digit = Number(digits[digits.length - 1 - i]);
    if (i % 2 === 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0 && /[1-9]/.test(digits);
}

const masked = (digits) => `${digits.slice(0, 6)}******${digits.slice(-4)}`;
