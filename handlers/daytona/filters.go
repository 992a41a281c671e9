package daytona

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/sandboxes"
)

// filters turns the query into filters. A filter for something that hotcell
// doesn't keep is left out rather than refused: it would match everything.
func filters(c *fiber.Ctx) ([]filter, error) {
	var all []filter
	add := func(f filter) { all = append(all, f) }
	if p := strings.ToLower(c.Query("id")); p != "" {
		add(func(sb sandboxes.Sandbox) bool { return strings.HasPrefix(strings.ToLower(sb.ID), p) })
	}
	if p := strings.ToLower(c.Query("name")); p != "" {
		add(func(sb sandboxes.Sandbox) bool { return strings.HasPrefix(strings.ToLower(sb.Name), p) })
	}
	for name, of := range map[string]func(sandboxes.Sandbox) string{
		"states":    func(sb sandboxes.Sandbox) string { return string(sb.State) },
		"snapshots": func(sb sandboxes.Sandbox) string { return sb.Snapshot },
		"regionIds": func(sb sandboxes.Sandbox) string { return sb.Target },
	} {
		if wanted := repeated(c, name); len(wanted) > 0 {
			add(func(sb sandboxes.Sandbox) bool { return slices.Contains(wanted, of(sb)) })
		}
	}
	labels, err := labelFilter(c.Query("labels"))
	if err != nil {
		return nil, err
	}
	if labels != nil {
		add(labels)
	}
	numbers, err := numberFilters(c)
	if err != nil {
		return nil, err
	}
	times, err := timeFilters(c)
	if err != nil {
		return nil, err
	}
	return append(append(all, numbers...), times...), nil
}

// repeated collects a member that may be there several times, or once with commas.
func repeated(c *fiber.Ctx, name string) []string {
	var all []string
	for _, v := range c.Context().QueryArgs().PeekMulti(name) {
		all = append(all, strings.Split(string(v), ",")...)
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// labelFilter reads a JSON object: a sandbox must have all of its labels.
func labelFilter(query string) (filter, error) {
	if query == "" {
		return nil, nil
	}
	var wanted map[string]string
	if err := json.Unmarshal([]byte(query), &wanted); err != nil {
		return nil, fault.BadRequest("labels must be a JSON object of strings: %v", err)
	}
	return func(sb sandboxes.Sandbox) bool {
		for k, v := range wanted {
			if got, ok := sb.Labels[k]; !ok || got != v {
				return false
			}
		}
		return true
	}, nil
}

func numberFilters(c *fiber.Ctx) ([]filter, error) {
	var all []filter
	for name, of := range map[string]func(sandboxes.Sandbox) int{
		"Cpu":       func(sb sandboxes.Sandbox) int { return sb.CPU },
		"Gpu":       func(sb sandboxes.Sandbox) int { return sb.GPU },
		"MemoryGiB": func(sb sandboxes.Sandbox) int { return sb.Memory },
		"DiskGiB":   func(sb sandboxes.Sandbox) int { return sb.Disk },
	} {
		for _, side := range []string{"min", "max"} {
			s := c.Query(side + name)
			if s == "" {
				continue
			}
			bound, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return nil, fault.BadRequest("%s%s must be a number", side, name)
			}
			all = append(all, func(sb sandboxes.Sandbox) bool {
				if side == "min" {
					return float64(of(sb)) >= bound
				}
				return float64(of(sb)) <= bound
			})
		}
	}
	return all, nil
}

func timeFilters(c *fiber.Ctx) ([]filter, error) {
	var all []filter
	for name, of := range map[string]func(sandboxes.Sandbox) time.Time{
		"createdAt": func(sb sandboxes.Sandbox) time.Time { return sb.Created },
		"lastEvent": func(sb sandboxes.Sandbox) time.Time { return sb.Updated },
	} {
		for _, side := range []string{"After", "Before"} {
			s := c.Query(name + side)
			if s == "" {
				continue
			}
			bound, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				return nil, fault.BadRequest("%s%s must be a time like 2026-01-02T15:04:05Z", name, side)
			}
			all = append(all, func(sb sandboxes.Sandbox) bool {
				if side == "After" {
					return of(sb).After(bound)
				}
				return of(sb).Before(bound)
			})
		}
	}
	return all, nil
}
