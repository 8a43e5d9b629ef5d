import { expect, it } from 'vitest';
import * as figures from '../../lib/report/figures';

it('decibels', () => {
  expect([null, 46.88, -3].map(figures.decibels)).toEqual(['∞', '46.9', '−3.0']);
});

it('shares', () => {
  expect([null, 97.8].map(figures.share)).toEqual(['–', '97.80 %']);
  expect([0, 0.004, 0.5].map(figures.smallShare)).toEqual(['0 %', '< 0.01 %', '0.50 %']);
});

it('points: no minus in front of nothing', () => {
  expect([null, 0.042, -0.001, -0.5].map(figures.points)).toEqual(['–', '0.04', '0.00', '−0.50']);
});

it('times', () => {
  expect([undefined, 2.555, 1234.5].map(figures.microseconds)).toEqual(['–', '2.6', '1,235']);
  expect([3.916, 12].map(figures.times)).toEqual(['3.92×', '12.0×']);
});

it('numbers', () => {
  expect([-1.23456, 0.000012346, 0].map(figures.number)).toEqual(['−1.235', '1.235e−5', '0']);
  expect(figures.cosine(0.9999897)).toBe('0.999990');
});
