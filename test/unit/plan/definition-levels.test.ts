import { expect, test } from "vitest";
import { mapLevels } from "../../../src/plan/definition-levels.ts";

test("levels of an unchanged path need no table", () => {
  expect(
    mapLevels(["optional", "repeated", "optional"], ["optional", "repeated", "optional"]),
  ).toBeUndefined();
});

test("a required leaf that becomes optional gains a level", () => {
  expect([...(mapLevels(["required"], ["optional"]) ?? [])]).toEqual([1]);
  expect([...(mapLevels(["optional", "required"], ["optional", "optional"]) ?? [])]).toEqual([0, 2]);
});

test("an optional leaf that becomes required has no level for its nulls", () => {
  expect([...(mapLevels(["optional"], ["required"]) ?? [])]).toEqual([-1, 0]);
});

test("a null that is refused above a list is told from one that a value could stand in for", () => {
  expect([...(mapLevels(["optional", "optional"], ["required", "optional"]) ?? [])]).toEqual([-1, 0, 1]);
  expect([...(mapLevels(["optional", "repeated"], ["required", "repeated"]) ?? [])]).toEqual([-2, 0, 1]);
  expect([...(mapLevels(["repeated", "optional"], ["repeated", "required"]) ?? [])]).toEqual([0, -1, 1]);
});

test("an ancestor that becomes required moves the levels below it, and only its own nulls are impossible", () => {
  // optional struct, repeated group, optional leaf: level 0 is a null struct, 1 an empty list, 2 a null, 3 a value.
  expect([
    ...(mapLevels(["optional", "repeated", "optional"], ["required", "repeated", "optional"]) ?? []),
  ]).toEqual([-2, 0, 1, 2]);
});
