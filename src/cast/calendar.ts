/**
 * The proleptic Gregorian calendar in days since 1970-01-01, for any year that an int64 of milliseconds reaches.
 * After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and civil_from_days.
 */
const daysPerEra = 146_097; // 400 years
const epochOffset = 719_468; // days from 0000-03-01 to 1970-01-01

/** A year, month (1-12) and day, reused from value to value so that hot loops allocate nothing. */
export interface CivilDate {
  year: number;
  month: number;
  day: number;
}

export function civilFromDays(days: number, into: CivilDate): void {
  const shifted = days + epochOffset;
  const era = Math.floor(shifted / daysPerEra);
  const dayOfEra = shifted - era * daysPerEra;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  into.day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  into.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  into.year = yearOfEra + era * 400 + (into.month <= 2 ? 1 : 0);
}

export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * daysPerEra + dayOfEra - epochOffset;
}

/** {@link daysFromCivil} for the years 1 to 9999, on 32-bit integers, whose quotients by constants are products. */
export function daysFromCommonEra(year: number, month: number, day: number): number {
  const shifted = (month <= 2 ? year - 1 : year) | 0;
  const century = (shifted / 100) | 0;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  return (365 * shifted + (shifted >> 2) - century + (century >> 2) + dayOfYear - epochOffset) | 0;
}

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (lengths[month - 1] ?? 0);
}
