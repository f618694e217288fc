package notify

import (
	"errors"
	"fmt"
	"slices"
	"text/template/parse"
)

// What a template may call. Nothing here reaches anything, and nothing makes an endless text of a short one: print, index,
// slice and call are left out for that, and range takes only what the data holds.
var (
	comparisons = []string{"eq", "ne", "lt", "le", "gt", "ge"}
	callable    = append([]string{"and", "or", "not", "len", "date", "duration"}, comparisons...)
)

const (
	maxSource = 32 << 10 // bytes of one source
	maxNested = 2        // ranges inside one another
)

// vet refuses a template that does more than put data into a text.
func vet(text string) error {
	if len(text) > maxSource {
		return fmt.Errorf("it has more than %d bytes", maxSource)
	}
	functions := map[string]any{}
	for _, name := range callable {
		functions[name] = ""
	}
	trees, err := parse.Parse("template", text, "", "", functions)
	if err != nil {
		return err
	}
	for name, tree := range trees {
		if name != "template" {
			return errors.New("it defines another template")
		}
		if err := vetNode(tree.Root, 0, false); err != nil {
			return err
		}
	}
	return nil
}

// vetNode looks at a node and at what is below it. number tells whether a number may stand here.
func vetNode(n parse.Node, ranges int, number bool) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		return vetAll(n.Nodes, ranges, false)
	case *parse.ActionNode:
		return vetNode(n.Pipe, ranges, false)
	case *parse.IfNode:
		return vetBranch(&n.BranchNode, ranges)
	case *parse.WithNode:
		return vetBranch(&n.BranchNode, ranges)
	case *parse.RangeNode:
		if ranges == maxNested {
			return fmt.Errorf("it has more than %d ranges inside one another", maxNested)
		}
		return vetBranch(&n.BranchNode, ranges+1)
	case *parse.PipeNode:
		if n == nil {
			return nil
		}
		for _, c := range n.Cmds {
			if err := vetNode(c, ranges, false); err != nil {
				return err
			}
		}
		return nil
	case *parse.CommandNode:
		compares := false
		if f, ok := n.Args[0].(*parse.IdentifierNode); ok {
			compares = slices.Contains(comparisons, f.Ident)
		}
		return vetAll(n.Args, ranges, compares)
	case *parse.IdentifierNode:
		if !slices.Contains(callable, n.Ident) {
			return fmt.Errorf("the function %s is not there", n.Ident)
		}
		return nil
	case *parse.NumberNode:
		if !number {
			return errors.New("a number is only there to compare with")
		}
		return nil
	case *parse.ChainNode:
		return vetNode(n.Node, ranges, false)
	case *parse.TextNode, *parse.CommentNode, *parse.FieldNode, *parse.VariableNode, *parse.DotNode, *parse.StringNode,
		*parse.BoolNode, *parse.BreakNode, *parse.ContinueNode:
		return nil
	}
	return fmt.Errorf("%s is not there", n)
}

func vetAll(nodes []parse.Node, ranges int, number bool) error {
	for _, n := range nodes {
		if err := vetNode(n, ranges, number); err != nil {
			return err
		}
	}
	return nil
}

func vetBranch(b *parse.BranchNode, ranges int) error {
	return errors.Join(vetNode(b.Pipe, ranges, false), vetNode(b.List, ranges, false), vetNode(b.ElseList, ranges, false))
}
