package teams

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"neobot/adapters"
)

// refsTTL is renewed by every activity. After it a conversation nobody used is
// forgotten; a proactive post there fails until somebody writes again.
const refsTTL = 180 * 24 * time.Hour

// RedisRefs keeps Refs in Redis, as hashes under <prefix>:{<workspace>}:teams:.
type RedisRefs struct {
	redis  redis.UniversalClient
	prefix string
}

var _ Refs = (*RedisRefs)(nil)

// NewRedisRefs uses prefix "neobot" when it is empty.
func NewRedisRefs(client redis.UniversalClient, prefix string) *RedisRefs {
	if prefix == "" {
		prefix = "neobot"
	}
	return &RedisRefs{redis: client, prefix: prefix}
}

// key hashes long ids: they come from outside.
func (r *RedisRefs) key(w adapters.Workspace, kind, id string) string {
	if len(id) > 120 {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	return r.prefix + ":{" + string(w) + "}:teams:" + kind + ":" + id
}

// Save writes everything in one round trip.
func (r *RedisRefs) Save(ctx context.Context, w adapters.Workspace, ref Reference, person Person) error {
	_, err := r.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		if ref.Conversation != "" {
			k := r.key(w, "conv", ref.Conversation)
			p.HSet(ctx, k, "type", ref.Type, "service", ref.ServiceURL, "bot", ref.BotID)
			setIf(ctx, p, k, "team", ref.TeamID)
			setIf(ctx, p, k, "channel_type", ref.ChannelType)
			p.Expire(ctx, k, refsTTL)
		}
		if person.ID != "" {
			k := r.key(w, "user", person.ID)
			p.HSet(ctx, k, "mri", person.MRI, "service", person.ServiceURL)
			setIf(ctx, p, k, "name", person.Name)
			setIf(ctx, p, k, "chat", person.Chat)
			p.Expire(ctx, k, refsTTL)
		}
		if ref.ServiceURL != "" {
			p.Set(ctx, r.key(w, "service", "last"), ref.ServiceURL, refsTTL)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save conversation reference: %w", err)
	}
	return nil
}

// setIf keeps the older value when the newer one was not said.
func setIf(ctx context.Context, p redis.Pipeliner, key, field, value string) {
	if value != "" {
		p.HSet(ctx, key, field, value)
	}
}

// Conversation reads a conversation.
func (r *RedisRefs) Conversation(ctx context.Context, w adapters.Workspace, conversation string) (Reference, error) {
	m, err := r.read(ctx, r.key(w, "conv", conversation))
	if err != nil {
		return Reference{}, err
	}
	return Reference{
		Conversation: conversation, Type: m["type"], ServiceURL: m["service"], BotID: m["bot"],
		TeamID: m["team"], ChannelType: m["channel_type"],
	}, nil
}

// Person reads a person.
func (r *RedisRefs) Person(ctx context.Context, w adapters.Workspace, id string) (Person, error) {
	m, err := r.read(ctx, r.key(w, "user", id))
	if err != nil {
		return Person{}, err
	}
	return personOf(id, m), nil
}

func personOf(id string, m map[string]string) Person {
	return Person{ID: id, MRI: m["mri"], Name: m["name"], Chat: m["chat"], ServiceURL: m["service"]}
}

// People reads several at once and leaves out those nothing is known of.
func (r *RedisRefs) People(ctx context.Context, w adapters.Workspace, ids []string) ([]Person, error) {
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	_, err := r.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			cmds[i] = p.HGetAll(ctx, r.key(w, "user", id))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	var out []Person
	for i, cmd := range cmds {
		if m := cmd.Val(); len(m) > 0 {
			out = append(out, personOf(ids[i], m))
		}
	}
	return out, nil
}

func (r *RedisRefs) read(ctx context.Context, key string) (map[string]string, error) {
	m, err := r.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, fmt.Errorf("read conversation reference: %w", err)
	}
	if len(m) == 0 {
		return nil, ErrNoReference
	}
	return m, nil
}

// Service reads the tenant's last address.
func (r *RedisRefs) Service(ctx context.Context, w adapters.Workspace) (string, error) {
	s, err := r.redis.Get(ctx, r.key(w, "service", "last")).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", ErrNoReference
	case err != nil:
		return "", fmt.Errorf("read service address: %w", err)
	}
	return s, nil
}

// Forget drops a conversation.
func (r *RedisRefs) Forget(ctx context.Context, w adapters.Workspace, conversation string) error {
	if err := r.redis.Del(ctx, r.key(w, "conv", conversation)).Err(); err != nil {
		return fmt.Errorf("forget conversation: %w", err)
	}
	return nil
}

// Once sets the key if it is not there.
func (r *RedisRefs) Once(ctx context.Context, w adapters.Workspace, key string, ttl time.Duration) (bool, error) {
	err := r.redis.SetArgs(ctx, r.key(w, "once", key), "1", redis.SetArgs{Mode: "NX", TTL: ttl}).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("note %s: %w", key, err)
	}
	return true, nil
}
